package check

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

// Rules reads a file of rules as Prometheus does. The error says all that is wrong.
func Rules(file string) ([]rulefmt.Rule, error) {
	groups, errs := rulefmt.ParseFile(file, false, model.LegacyValidation, promQL, slog.New(slog.DiscardHandler))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var rules []rulefmt.Rule
	for _, g := range groups.Groups {
		rules = append(rules, g.Rules...)
	}
	return rules, nil
}

// ofLabels finds the labels that a text takes from an alert.
var ofLabels = regexp.MustCompile(`\$labels\.(\w+)`)

// severities are those that alerts may have.
var severities = map[string]bool{"critical": true, "warning": true, "info": true}

// Alert says what is wrong with an alert: its expression, or what it tells of it.
// runbooks is the address that leads to its section.
func (m Metrics) Alert(r rulefmt.Rule, runbook string) error {
	if r.Alert == "" {
		return fmt.Errorf("%s: not an alert", r.Record)
	}
	found, err := m.Expr(r.Expr)
	errs := []error{err}
	if !severities[r.Labels["severity"]] {
		errs = append(errs, fmt.Errorf("severity %q", r.Labels["severity"]))
	}
	for _, name := range []string{"summary", "description"} {
		text := r.Annotations[name]
		if text == "" {
			errs = append(errs, fmt.Errorf("it has no %s", name))
		}
		for _, l := range ofLabels.FindAllStringSubmatch(text, -1) {
			if err == nil && !found[l[1]] {
				errs = append(errs, fmt.Errorf("%s: it has no label %q, only %v", name, l[1], found))
			}
		}
	}
	if got := r.Annotations["runbook_url"]; got != runbook {
		errs = append(errs, fmt.Errorf("runbook_url is %q: want %q", got, runbook))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", r.Alert, err)
	}
	return nil
}
