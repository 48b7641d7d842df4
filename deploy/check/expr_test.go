package check

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

var few = Metrics{
	"records_total":  {Counter, []string{"job", "instance", "topic"}},
	"nodes":          {Gauge, []string{"job", "instance", "role"}},
	"seconds_bucket": {Counter, []string{"job", "instance", "le"}},
}

func TestExpr(t *testing.T) {
	for expr, want := range map[string]string{
		`nodes{role="store"}`:                      "instance, job, role",
		`rate(records_total[5m]) > 0`:              "instance, job, topic",
		`sum by (topic) (rate(records_total[5m]))`: "topic",
		`sum without (topic) (records_total)`:      "instance, job",
		`topk(3, nodes)`:                           "instance, job, role",
		`histogram_quantile(0.9, sum by (job, le) (rate(seconds_bucket[5m])))`: "job",
		`nodes and on (job) sum by (job) (records_total)`:                      "instance, job, role",
		`nodes or records_total`:                                               "instance, job, role, topic",
		`100 * nodes`:                                                          "instance, job, role",
		`absent(nodes)`:                                                        "",
		`max_over_time(deriv(nodes[5m])[1h:5m])`:                               "instance, job, role",
		`sum by (job) (nodes) / ignoring (topic) sum by (job, topic) (records_total)`: "!sum by (job) (nodes) has no label \"topic\"",

		`nodes{role="store"`:                 "!parse error",
		`node`:                               `!no daemon prints "node"`,
		`{role="store"}`:                     `!no daemon prints ""`,
		`nodes{topic="a"}`:                   `!nodes has no label "topic"`,
		`sum by (topic) (nodes)`:             `!nodes has no label "topic"`,
		`nodes and on (topic) nodes`:         `!nodes has no label "topic"`,
		`rate(nodes[5m])`:                    "!rate of nodes, which is no counter",
		`deriv(records_total[5m])`:           "!deriv of records_total, which is no gauge",
		`histogram_quantile(0.9, nodes)`:     `!nodes has no label "le"`,
		`sum by (le) (sum by (job) (nodes))`: `!sum by (job) (nodes) has no label "le"`,
	} {
		got, err := few.Expr(expr)
		wrong, isWrong := strings.CutPrefix(want, "!")
		switch {
		case isWrong && (err == nil || !strings.Contains(err.Error(), wrong)):
			t.Errorf("%s: got %v, want that %s", expr, err, wrong)
		case !isWrong && (err != nil || got.String() != want):
			t.Errorf("%s: got %q, %v; want %q", expr, got, err, want)
		}
	}
}

func TestAlert(t *testing.T) {
	good := func() rulefmt.Rule {
		return rulefmt.Rule{Alert: "A", Expr: "nodes > 0", Labels: map[string]string{"severity": "info"}, Annotations: map[string]string{
			"summary": "{{ $labels.role }}", "description": "d", "runbook_url": "r",
		}}
	}
	if err := few.Alert(good(), "r"); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*rulefmt.Rule){
		"not an alert":      func(r *rulefmt.Rule) { r.Alert = "" },
		"no daemon prints":  func(r *rulefmt.Rule) { r.Expr = "none" },
		"severity":          func(r *rulefmt.Rule) { r.Labels["severity"] = "bad" },
		"no description":    func(r *rulefmt.Rule) { r.Annotations["description"] = "" },
		`no label "topic"`:  func(r *rulefmt.Rule) { r.Annotations["summary"] = "{{ $labels.topic }}" },
		"runbook_url is \"": func(r *rulefmt.Rule) { r.Annotations["runbook_url"] = "elsewhere" },
	} {
		r := good()
		spoil(&r)
		if err := few.Alert(r, "r"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestScenario(t *testing.T) {
	r := rulefmt.Rule{Alert: "A", Expr: "nodes > 1", For: model.Duration(2 * time.Minute)}
	s := Scenario{Series: map[string]string{`nodes{role="a"}`: "2x5 0x5", `nodes{role="b"}`: "2 2 0 2 2 2 0x5"}}
	for at, want := range map[time.Duration]string{0: "", 1: "", 2: `{role="a"}`, 4: `{role="a"}`, 5: `{role="a"},{role="b"}`, 7: ""} {
		var labels []string
		if want != "" {
			labels = strings.Split(want, ",")
		}
		s.Fires = map[model.Duration][]string{model.Duration(at * time.Minute): labels}
		if err := s.Run(r); err != nil {
			t.Error(err)
		}
		s.Fires = map[model.Duration][]string{model.Duration(at * time.Minute): append(labels, `{role="c"}`)}
		if err := s.Run(r); err == nil {
			t.Errorf("after %d minutes: nothing is said of what does not fire", at)
		}
	}
}

func TestDashboardFaults(t *testing.T) {
	good := func() *Dashboard {
		p := Panel{ID: 1, Type: "timeseries", Title: "p", Description: "d", Targets: []Target{{Expr: `rate(records_total{job="$job"}[$__rate_interval])`, LegendFormat: "{{topic}}"}}}
		p.Datasource.UID = "${datasource}"
		p.GridPos.W, p.GridPos.H = 12, 8
		q := p
		q.ID, q.GridPos.X = 2, 12
		d := &Dashboard{Panels: []Panel{p, q}}
		d.Templating.List = []Variable{{"job", "query", "label_values(nodes, job)"}, {"instance", "query", map[string]any{"query": `label_values(nodes{job="$job"}, instance)`}}}
		return d
	}
	if err := few.Dashboard(good()); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*Dashboard){
		"no daemon prints":       func(d *Dashboard) { d.Panels[0].Targets[0].Expr = "none" },
		"no variable":            func(d *Dashboard) { d.Panels[0].Targets[0].Expr = `nodes{role="$role"}` },
		`no label "role"`:        func(d *Dashboard) { d.Panels[0].Targets[0].LegendFormat = "{{role}}" },
		"want a title":           func(d *Dashboard) { d.Panels[0].Targets = nil },
		"data source":            func(d *Dashboard) { d.Panels[0].Datasource.UID = "mine" },
		"has the id":             func(d *Dashboard) { d.Panels[1].ID = 1 },
		"is on top of":           func(d *Dashboard) { d.Panels[1].GridPos.X = 11 },
		"is outside":             func(d *Dashboard) { d.Panels[1].GridPos.X = 13 },
		"is not label_values":    func(d *Dashboard) { d.Templating.List[0].Query = "nodes" },
		`nodes has no label "x"`: func(d *Dashboard) { d.Templating.List[0].Query = "label_values(nodes, x)" },
		"variable instance":      func(d *Dashboard) { d.Templating.List[1].Query = `label_values(none, instance)` },
	} {
		d := good()
		spoil(d)
		if err := few.Dashboard(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
