package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
)

// Dashboard is what is looked at of a dashboard of Grafana.
type Dashboard struct {
	UID        string
	Title      string
	Panels     []Panel
	Templating struct{ List []Variable }
}

// Panel is a picture, or a row of them.
type Panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  struct{ UID string }
	GridPos     struct{ X, Y, W, H int }
	Targets     []Target
	Panels      []Panel // of a row that is closed
}

// Target is a query of a panel.
type Target struct {
	Expr, LegendFormat, RefID string
}

// Variable is what can be chosen at the top.
type Variable struct {
	Name, Type string
	Query      any
}

// ReadDashboard reads a dashboard.
func ReadDashboard(file string) (*Dashboard, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := new(Dashboard)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// All returns all panels, those of closed rows included.
func (d *Dashboard) All() (all []Panel) {
	for _, p := range d.Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

var (
	variable  = regexp.MustCompile(`\$\{?(\w+)(?::\w+)?\}?`)
	valuesOf  = regexp.MustCompile(`^label_values\((\w+)(?:\{(.*)\})?, *(\w+)\)$`)
	legendOf  = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	durations = map[string]string{"__rate_interval": "5m", "__interval": "1m", "__range": "1h"}
)

// Dashboard says what is wrong with a dashboard: panels without queries or on top of one
// another, and queries that do not fit to what daemons print.
func (m Metrics) Dashboard(d *Dashboard) error {
	var errs []error
	for _, v := range d.Templating.List {
		errs = append(errs, m.variable(d, v))
	}
	ids := make(map[int]bool)
	for _, p := range d.All() {
		if ids[p.ID] {
			errs = append(errs, fmt.Errorf("%s: another panel has the id %d", p.Title, p.ID))
		}
		ids[p.ID] = true
		if err := m.panel(d, p); err != nil {
			errs = append(errs, fmt.Errorf("panel %q: %w", p.Title, err))
		}
	}
	return errors.Join(append(errs, overlaps(d.Panels))...)
}

func (m Metrics) panel(d *Dashboard, p Panel) error {
	if p.Type == "row" || p.Type == "text" {
		return nil
	}
	var errs []error
	if len(p.Targets) == 0 || p.Title == "" || p.Description == "" {
		errs = append(errs, errors.New("want a title, a description and a query"))
	}
	if p.Datasource.UID != "${datasource}" {
		errs = append(errs, fmt.Errorf("its data source is %q, not the one that was chosen", p.Datasource.UID))
	}
	for _, t := range p.Targets {
		expr, err := d.fill(t.Expr)
		errs = append(errs, err)
		found, err := m.Expr(expr)
		errs = append(errs, err)
		for _, l := range legendOf.FindAllStringSubmatch(t.LegendFormat, -1) {
			if err == nil && !found[l[1]] {
				errs = append(errs, fmt.Errorf("%q has no label %q, only %v", t.Expr, l[1], found))
			}
		}
	}
	return errors.Join(errs...)
}

// variable says what is wrong with a variable: it is asked for as label_values of a
// metric.
func (m Metrics) variable(d *Dashboard, v Variable) error {
	if v.Type != "query" {
		return nil
	}
	text, _ := v.Query.(string)
	if fields, ok := v.Query.(map[string]any); ok {
		text, _ = fields["query"].(string)
	}
	match := valuesOf.FindStringSubmatch(text)
	if match == nil {
		return fmt.Errorf("variable %s: %q is not label_values(METRIC, LABEL)", v.Name, text)
	}
	expr, err := d.fill(fmt.Sprintf("%s{%s}", match[1], match[2]))
	if err != nil {
		return fmt.Errorf("variable %s: %w", v.Name, err)
	}
	found, err := m.Expr(expr)
	if err == nil && !found[match[3]] {
		err = fmt.Errorf("%s has no label %q", match[1], match[3])
	}
	if err != nil {
		return fmt.Errorf("variable %s: %w", v.Name, err)
	}
	return nil
}

// fill puts values in the place of variables.
func (d *Dashboard) fill(expr string) (string, error) {
	var err error
	filled := variable.ReplaceAllStringFunc(expr, func(text string) string {
		name := variable.FindStringSubmatch(text)[1]
		if value, ok := durations[name]; ok {
			return value
		}
		for _, v := range d.Templating.List {
			if v.Name == name {
				return ".*"
			}
		}
		err = errors.Join(err, fmt.Errorf("%q: there is no variable %s", expr, name))
		return text
	})
	return filled, err
}

// width is how many columns a dashboard has.
const width = 24

// overlaps says which panels are on top of one another, or stand out.
func overlaps(panels []Panel) error {
	var errs []error
	for i, p := range panels {
		a := p.GridPos
		if a.W <= 0 || a.H <= 0 || a.X < 0 || a.X+a.W > width {
			errs = append(errs, fmt.Errorf("%q is outside", p.Title))
		}
		for _, q := range panels[:i] {
			if b := q.GridPos; a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				errs = append(errs, fmt.Errorf("%q is on top of %q", p.Title, q.Title))
			}
		}
	}
	return errors.Join(errs...)
}
