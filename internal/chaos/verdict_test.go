//go:build unix

package chaos

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// verdict prints what happened and what was wrong with it; anything wrong fails
// the test.
func (r *trial) verdict() {
	l := r.ledger
	faults := countKinds(r.faults)
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-13s %s\n", name, fmt.Sprintf(format, args...))
	}
	what := "chaos"
	if r.vitals != nil {
		what = "soak"
	}
	fmt.Fprintf(&b, "%s on %s, seed %d\n", what, r.network, r.plan.seed)
	row("records", "%d over %s, %d acknowledged", r.records, r.plan.over, l.acknowledged())
	row("delivered", "%d to %d consumers and %d replays of stores", l.delivered, consumers, stores)
	row("positions", "%d saved, in %d lives of consumers; %d of these began when fewer stores were there than know every position",
		l.names.commits, l.names.lives, l.names.fewStores)
	row("names", "taken %d times, %d times no answer; waited for", l.names.inUse, l.names.unanswered)
	row("faults", "%d: %s", len(r.faults), faults)
	if r.leftOut > 0 {
		row("left out", "a store was not wiped: the others did not have everything")
	}
	for _, h := range r.healing {
		row("healed", "%s after %s", h.what, h)
	}
	var wrongs []string
	for _, v := range violations {
		if v == grown && r.vitals == nil {
			continue // was not looked at
		}
		wrongs = append(wrongs, fmt.Sprintf("%d %s", l.count[v], v))
		for _, example := range l.examples[v] {
			row(string(v), "%s", example)
		}
	}
	outcome := "passed"
	if l.total() > 0 {
		outcome = "FAILED"
		for _, f := range r.faults {
			row("fault", "%s", f)
		}
		row("load began", "%s", r.load.Began.Format("15:04:05.000"))
		row("again", "make %s SEED=%d NETWORK=%s", what, r.plan.seed, r.network)
		r.t.Errorf("%d violations", l.total())
	}
	fmt.Fprintf(&b, "%s %s: %s: %d records, %d faults (%s): %s\n",
		what, outcome, r.network, r.records, len(r.faults), faults, strings.Join(wrongs, ", "))
	fmt.Fprint(os.Stdout, b.String())
}

// countKinds returns how often each kind of fault happened.
func countKinds(faults []fault) string {
	var kinds []string
	for _, k := range append([]kind{killed, wiped, blackout, stopped}, networkKinds...) {
		n := 0
		for _, f := range faults {
			if f.kind == k {
				n++
			}
		}
		kinds = append(kinds, fmt.Sprintf("%d %s", n, k))
	}
	return strings.Join(slices.DeleteFunc(kinds, func(s string) bool { return strings.HasPrefix(s, "0 ") }), ", ")
}
