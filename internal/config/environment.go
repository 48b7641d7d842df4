package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// notOurs are variables with our prefix that are nobody's typing error: those
// by which Kubernetes tells every container of a service named beck or
// beck-something.
var notOurs = regexp.MustCompile(`^BECK_([A-Z0-9_]+_)?(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// reserved are variables of beck's tests and of their measuring.
var reserved = []string{"BECK_BENCH_CPUPROFILE", "BECK_CHAOS_CHILD", "BECK_FULL"}

// Environment returns the layer of an environment, of "NAME=text" each. The
// values of a list stand on a line each. An empty variable counts as none. An
// unknown variable that begins with BECK_ is an error, as is a bad value.
func (s *Schema) Environment(environ []string) (Layer, error) {
	given := make(Layer)
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		variable, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, prefix) || text == "" ||
			variable == Variable(FileFlag) || variable == Variable(ContextFlag) {
			continue
		}
		name, ok := s.variables[variable]
		switch {
		case ok:
		case slices.Contains(reserved, variable) || notOurs.MatchString(variable):
			continue
		default:
			return nil, unknown("environment variable", variable, slices.Sorted(maps.Keys(s.variables)))
		}
		value := Value{Text: []string{text}, Layer: FromEnvironment, Place: variable}
		if s.holders(name)[0].List() {
			value.Text = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		}
		if err := s.check(name, value.Text); err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
		given[name] = value
	}
	return s.expand(given), nil
}

// Without returns an environment without the variables that are ours, for a
// process that is to be the same everywhere.
func Without(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool { return strings.HasPrefix(entry, prefix) })
}
