package check

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

const (
	metricsFile = "../prometheus/metrics.txt"
	rulesFile   = "../prometheus/beck.rules.yaml"
	runbooks    = "https://github.com/beckmesh/beck/blob/main/docs/runbooks.md#"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func metrics(t *testing.T) Metrics {
	t.Helper()
	m, err := ReadMetrics(metricsFile)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRules holds the alerts against what daemons print.
func TestRules(t *testing.T) {
	m := metrics(t)
	rules, err := Rules(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, r := range rules {
		if seen[r.Alert] {
			t.Errorf("%s: there are two", r.Alert)
		}
		seen[r.Alert] = true
		if err := m.Alert(r, runbooks+strings.ToLower(r.Alert)); err != nil {
			t.Error(err)
		}
	}
}

// TestExample: the example of a configuration has the rules that there are, and jobs
// that they are about.
func TestExample(t *testing.T) {
	var example struct {
		RuleFiles []string `yaml:"rule_files"`
		Jobs      []struct {
			Name string `yaml:"job_name"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "../prometheus/prometheus.yaml")), &example); err != nil {
		t.Fatal(err)
	}
	if len(example.RuleFiles) != 1 || filepath.Join("../prometheus", example.RuleFiles[0]) != rulesFile {
		t.Errorf("rule_files: %q", example.RuleFiles)
	}
	for _, j := range example.Jobs {
		if !strings.Contains(j.Name, "beck") {
			t.Errorf("job %q is of no concern to BeckDown", j.Name)
		}
	}
	if len(example.Jobs) == 0 {
		t.Error("there are no jobs")
	}
}

// TestAlertsFire plays the scenarios, of which each alert has one in which it fires and
// at another time does not.
func TestAlertsFire(t *testing.T) {
	rules, err := Rules(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := ReadScenarios("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := metrics(t)
	for _, r := range rules {
		fires, quiet := false, false
		for _, s := range scenarios {
			if s.Alert != r.Alert {
				continue
			}
			if err := s.Run(r); err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			for _, labels := range s.Fires {
				fires, quiet = fires || len(labels) > 0, quiet || len(labels) == 0
			}
			for series := range s.Series {
				if _, err := m.Expr(series); err != nil {
					t.Errorf("%s: %v", r.Alert, err)
				}
			}
		}
		if !fires || !quiet {
			t.Errorf("%s: want a scenario in which it fires, and does not at another time", r.Alert)
		}
	}
	for _, s := range scenarios {
		if !slices.ContainsFunc(rules, isAlert(s.Alert)) {
			t.Errorf("there is no alert %s", s.Alert)
		}
	}
}

// TestRunbooks holds docs/runbooks.md and docs/metrics.md against the alerts: each has
// its section with all that belongs there, and is named where its metric is described.
func TestRunbooks(t *testing.T) {
	rules, err := Rules(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, part := range strings.Split(read(t, "../../docs/runbooks.md"), "\n## ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		sections[name] = text
	}
	described := read(t, "../../docs/metrics.md")
	for _, r := range rules {
		text, ok := sections[r.Alert]
		if delete(sections, r.Alert); !ok {
			t.Errorf("docs/runbooks.md has no section %s", r.Alert)
			continue
		}
		for _, part := range []string{"**Means.**", "**Users notice.**", "**Look.**", "**Do.**", "**Ends.**"} {
			if !strings.Contains(text, part) {
				t.Errorf("docs/runbooks.md, %s: there is no %s", r.Alert, part)
			}
		}
		if !strings.Contains(described, "["+r.Alert+"](runbooks.md#"+strings.ToLower(r.Alert)+")") {
			t.Errorf("docs/metrics.md does not name %s", r.Alert)
		}
	}
	for name := range sections {
		if strings.HasPrefix(name, "Beck") {
			t.Errorf("docs/runbooks.md: there is no alert %s", name)
		}
	}
	for _, match := range regexp.MustCompile(`\[(Beck\w+)\]\(runbooks\.md`).FindAllStringSubmatch(described, -1) {
		if !slices.ContainsFunc(rules, isAlert(match[1])) {
			t.Errorf("docs/metrics.md names %s, which is no alert", match[1])
		}
	}
}

// TestDashboards holds the dashboards against what daemons print.
func TestDashboards(t *testing.T) {
	files, err := filepath.Glob("../grafana/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("dashboards: %v, %v", files, err)
	}
	m := metrics(t)
	for _, file := range files {
		d, err := ReadDashboard(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Dashboard(d); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, name := range []string{"datasource", "job", "instance"} {
			if !slices.ContainsFunc(d.Templating.List, func(v Variable) bool { return v.Name == name }) {
				t.Errorf("%s: there is no variable %s", file, name)
			}
		}
		if d.UID == "" || d.Title == "" {
			t.Errorf("%s: want a uid and a title", file)
		}
	}
}

func isAlert(name string) func(rulefmt.Rule) bool {
	return func(r rulefmt.Rule) bool { return r.Alert == name }
}
