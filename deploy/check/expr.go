package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

var promQL = parser.NewParser(parser.Options{})

// Labels are the labels that the result of an expression may have.
type Labels map[string]bool

// Expr parses an expression, and returns the labels of its result. The error says all
// that is wrong with it: syntax; a metric that there is not, or a label that it does not
// have; a rate of what is no counter.
func (m Metrics) Expr(text string) (Labels, error) {
	expr, err := promQL.ParseExpr(text)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	w := walk{metrics: m}
	result := w.labels(expr)
	if err := errors.Join(w.errs...); err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	return result, nil
}

// walk goes through an expression and gathers what is wrong with it.
type walk struct {
	metrics Metrics
	errs    []error
}

func (w *walk) fail(format string, args ...any) {
	w.errs = append(w.errs, fmt.Errorf(format, args...))
}

// labels returns the labels of an expression's result.
func (w *walk) labels(node parser.Node) Labels {
	switch e := node.(type) {
	case *parser.VectorSelector:
		return w.selector(e)
	case *parser.AggregateExpr:
		return w.aggregate(e)
	case *parser.BinaryExpr:
		return w.binary(e)
	case *parser.Call:
		return w.call(e)
	}
	result := make(Labels)
	for child := range parser.ChildrenIter(node) {
		maps.Copy(result, w.labels(child))
	}
	return result
}

func (w *walk) selector(e *parser.VectorSelector) Labels {
	result := make(Labels)
	series, known := w.metrics[e.Name]
	if !known {
		w.fail("no daemon prints %q", e.Name)
		return result
	}
	for _, l := range series.Labels {
		result[l] = true
	}
	for _, m := range e.LabelMatchers {
		w.has(result, m.Name, e.Name)
	}
	return result
}

// has complains of a label that there is not.
func (w *walk) has(in Labels, label, where string) {
	if label != labels.MetricName && !in[label] {
		w.fail("%s has no label %q", where, label)
	}
}

func (w *walk) aggregate(e *parser.AggregateExpr) Labels {
	inner := w.labels(e.Expr)
	for _, l := range e.Grouping {
		w.has(inner, l, e.Expr.String())
	}
	if e.Op == parser.TOPK || e.Op == parser.BOTTOMK {
		return inner
	}
	result := make(Labels)
	for l := range inner {
		if slices.Contains(e.Grouping, l) != e.Without {
			result[l] = true
		}
	}
	return result
}

func (w *walk) binary(e *parser.BinaryExpr) Labels {
	left, right := w.labels(e.LHS), w.labels(e.RHS)
	if m := e.VectorMatching; m != nil {
		for _, l := range m.MatchingLabels {
			w.has(left, l, e.LHS.String())
			w.has(right, l, e.RHS.String())
		}
	}
	if e.Op == parser.LOR || len(left) == 0 { // a number on the left has none
		maps.Copy(left, right)
	}
	return left
}

// functions that take a counter, and such that take a gauge.
var (
	ofCounters = []string{"rate", "irate", "increase"}
	ofGauges   = []string{"deriv", "delta", "idelta", "predict_linear"}
)

func (w *walk) call(e *parser.Call) Labels {
	result := make(Labels)
	for _, arg := range e.Args {
		maps.Copy(result, w.labels(arg))
	}
	switch name := e.Func.Name; {
	case name == "histogram_quantile":
		w.has(result, "le", e.Args[1].String())
		delete(result, "le")
	case name == "absent":
		return make(Labels)
	case slices.Contains(ofCounters, name):
		w.kind(e, Counter)
	case slices.Contains(ofGauges, name):
		w.kind(e, Gauge)
	}
	return result
}

// kind complains of arguments that are of another kind.
func (w *walk) kind(e *parser.Call, want Kind) {
	parser.Inspect(e.Args, func(node parser.Node, _ []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		if series, known := w.metrics[s.Name]; known && series.Kind != want {
			w.fail("%s of %s, which is no %s", e.Func.Name, s.Name, want)
		}
		return nil
	})
}

// String lists the labels.
func (l Labels) String() string { return strings.Join(slices.Sorted(maps.Keys(l)), ", ") }
