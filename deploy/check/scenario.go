package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"go.yaml.in/yaml/v3"
)

// Scenario is a story of series, and for which of them an alert fires.
type Scenario struct {
	Alert string `yaml:"alert"`
	// Series are values by series, one a minute, in the notation of `promtool test
	// rules`: "1+2x10" is 1, 3, 5 and so on, "_" is none.
	Series map[string]string `yaml:"series"`
	// Fires has, by the time since the beginning, the labels of what fires then,
	// without the severity.
	Fires map[model.Duration][]string `yaml:"fires"`
}

// step is the time between values, and between looks at rules.
const step = time.Minute

// ReadScenarios reads a file of scenarios.
func ReadScenarios(file string) ([]Scenario, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var all []Scenario
	d := yaml.NewDecoder(in)
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return all, nil
}

// Run plays a scenario and says where its alert fires and should not, or the other way
// round.
func (s *Scenario) Run(r rulefmt.Rule) error {
	stock, err := s.stock()
	if err != nil {
		return err
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute, Parser: promQL})
	defer engine.Close()
	var errs []error
	for at, want := range s.Fires {
		expected := []string{}
		for _, text := range want {
			found, err := promQL.ParseMetric(text)
			if err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
			expected = append(expected, found.String())
		}
		fired, err := firing(engine, stock, r, time.Duration(at))
		if err != nil {
			return err
		}
		if slices.Sort(expected); !slices.Equal(fired, expected) {
			errs = append(errs, fmt.Errorf("after %v it fires for %v, want %v", at, fired, expected))
		}
	}
	return errors.Join(errs...)
}

// stock returns the series of a scenario.
func (s *Scenario) stock() (all stock, err error) {
	for text, values := range s.Series {
		name, sequence, err := promQL.ParseSeriesDesc(text + " " + values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		var points []point
		for i, v := range sequence {
			if !v.Omitted {
				points = append(points, point{int64(i) * step.Milliseconds(), v.Value})
			}
		}
		all = append(all, series{name, points})
	}
	return all, nil
}

// firing returns the labels of what an alert fires for at a time after the beginning,
// sorted.
func firing(engine *promql.Engine, from stock, r rulefmt.Rule, at time.Duration) ([]string, error) {
	since := make(map[string]time.Duration) // by the labels of what is due
	for now := time.Duration(0); now <= at; now += step {
		due, err := ask(engine, from, r.Expr, now)
		if err != nil {
			return nil, err
		}
		still := make(map[string]time.Duration)
		for _, key := range due {
			begun, was := since[key]
			if !was {
				begun = now
			}
			still[key] = begun
		}
		since = still
	}
	fired := []string{}
	for key, begun := range since {
		if at-begun >= time.Duration(r.For) {
			fired = append(fired, key)
		}
	}
	slices.Sort(fired)
	return fired, nil
}

// ask returns the labels of an expression's results at a time.
func ask(engine *promql.Engine, from stock, expr string, now time.Duration) (all []string, err error) {
	q, err := engine.NewInstantQuery(context.Background(), from, nil, expr, time.UnixMilli(now.Milliseconds()))
	if err != nil {
		return nil, err
	}
	defer q.Close()
	found, err := q.Exec(context.Background()).Vector()
	if err != nil {
		return nil, err
	}
	for _, sample := range found {
		all = append(all, sample.Metric.DropMetricName().String())
	}
	return all, nil
}
