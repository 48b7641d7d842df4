//go:build unix

package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// Reports that several cases begin with.
const (
	saved3 = "consumer0: saved t P 3; consumer0: hello C; consumer0: began 2; "
	wiped1 = "store1: ready address=B; probe: head A t P 0 4; probe: listed A; store1: WIPE; "
)

// ok is what is found where nothing is wrong.
const ok violation = ""

// ledgerCases break each promise once, in what is reported.
var ledgerCases = []struct {
	name    string
	reports string // "node: words; ...", after all nodes have started
	want    violation
}{
	{"nothing", "", ok},
	{"in order", "consumer0: got t P 0 0 5; consumer0: got t P 0 5 9; producer0: ack t 0 9", ok},
	{"two partitions", "consumer0: got t P 0 0 5; consumer0: got u P 0 0 2; consumer0: got t P 0 5 9", ok},
	{"delivered again", "consumer0: got t P 0 0 5; consumer0: got t P 0 4 6", duplicated},
	{"delivered again whole", "consumer0: got t P 0 0 5; consumer0: got t P 0 2 4", duplicated},
	{"gap", "consumer0: got t P 0 0 5; consumer0: got t P 0 6 7", outOfOrder},
	{"not from the beginning", "consumer0: got t P 0 3 5", resumed},
	{"replay not from the beginning", "replay0: hello R; replay0: got t P 0 3 5; replay0: end", resumed},
	{"another life", "consumer0: got t P 0 0 5; consumer0: hello C; consumer0: got t P 0 0 5", ok},
	{"another life goes on", "consumer0: got t P 0 0 5; consumer0: hello C; consumer0: got t P 0 5 6; producer0: ack t 0 6", ok},
	{"goes on where it saved", "consumer0: got t P 0 0 5; " + saved3 + "consumer0: got t P 0 3 6; producer0: ack t 0 6", ok},
	{"goes on above it", "consumer0: got t P 0 0 5; " + saved3 + "consumer0: got t P 0 4 6", ok},
	{"goes on below it", "consumer0: got t P 0 0 5; " + saved3 + "consumer0: got t P 0 2 6", below},
	{"goes on below it in the third life", "consumer0: got t P 0 0 5; " + saved3 + saved3 + "consumer0: got t P 0 2 6", below},
	{"goes on too far", "consumer0: got t P 0 0 5; " + saved3 + "consumer0: got t P 0 6 7", resumed},
	{"another partition below it", "consumer0: got t P 0 0 5; " + saved3 + "consumer0: got u P 0 0 1", ok},
	{"another consumer below it", "consumer0: got t P 0 0 5; " + saved3 + "consumer1: hello C; consumer1: got t P 0 0 1", ok},
	{"too few stores to know", "consumer0: got t P 0 0 5; consumer0: saved t P 3; consumer0: hello C; consumer0: began 1; consumer0: got t P 0 0 1", ok},
	{"a store is refilled", wiped1 + "consumer0: got t P 0 0 5; " + saved3 + "consumer0: got t P 0 0 1", ok},
	{"a store was refilled", wiped1 + "store1: ready address=D; probe: head D t P 0 4; probe: listed D; " +
		"consumer0: got t P 0 0 5; " + saved3 + "consumer0: got t P 0 0 1", below},
	{"a store has begun to be refilled", wiped1 + "store1: ready address=D; probe: head D t P 0 3; probe: listed D; " +
		"consumer0: got t P 0 0 5; " + saved3 + "consumer0: got t P 0 0 1", ok},
	{"a store goes on without its disk", wiped1 + "store1: ready address=B", headBack},
	{"a store has another address", "store1: ready address=B; store1: ready address=D", headBack},
	{"a store is where it was", "store1: ready address=B; store1: ready address=B", ok},
	{"what was said before the wipe", wiped1 + "probe: head B t P 0 4; probe: listed B; probe: head D t P 0 3; probe: listed D", ok},
	{"delivered in either life", "consumer0: got t P 0 0 5; consumer0: hello C; consumer0: got t P 0 5 9; producer0: ack t 0 9", ok},
	{"delivered in neither life", "consumer0: got t P 0 0 5; consumer0: hello C; producer0: ack t 0 9", lost},
	{"finished and gone", "consumer0: REST; consumer0: gap ahead t P 3 4", resumed},
	{"finished and not there yet", "consumer0: gap ahead t P 3 4", ok},
	{"begun at rest without a store", "consumer0: REST; consumer0: began 2", unhealed},
	{"wrong value", "consumer0: bad t P 3 value is another", wrongValue},
	{"two writers", "consumer0: got t P 0 0 5; consumer0: got t P 1 5 6", wrongValue},
	{"given up", "consumer0: gap skipped t P 3 4", skipped},
	{"waited for", "consumer0: gap stalled t P 3 4; consumer0: gap resumed t P 3 4", ok},
	{"goes on behind", "consumer0: got t P 0 0 9; producer0: START; producer0: hello P; producer0: next t 8", reused},
	{"goes on", "consumer0: got t P 0 0 9; producer0: START; producer0: hello P; producer0: next t 9", ok},
	{"seen only since", "producer0: START; consumer0: got t P 0 0 9; producer0: hello P; producer0: next t 8", ok},
	{"another address", "producer0: START; producer0: hello Q", reused},
	{"acknowledged and not consumed", "consumer0: got t P 0 0 5; producer0: ack t 0 6", lost},
	{"acknowledged in between only", "consumer0: got t P 0 0 3; producer0: ack t 4 6", lost},
	{"head", "probe: head S t P 0 5; probe: listed S; probe: head S t P 0 7; probe: listed S", ok},
	{"head goes back", "probe: head S t P 0 5; probe: listed S; probe: head S t P 0 4; probe: listed S", headBack},
	{"head goes", "probe: head S t P 0 5; probe: listed S; probe: head S u P 0 4; probe: listed S", headBack},
	{"replayed", "replay0: got t P 0 0 5; replay0: digest t P 77; replay0: end", ok},
	{"replay broken off", "replay0: got t P 0 0 5", unhealed},
	{"replay of less", "producer0: ack t 0 6; consumer0: got t P 0 0 6; replay0: got t P 0 0 5; replay0: end", lost},
	{"another content", "replay0: got t P 0 0 5; replay0: digest t P 77; replay0: end; " +
		"replay1: got t P 0 0 5; replay1: digest t P 78; replay1: end", unequal},
}

func TestLedgerFindsViolations(t *testing.T) {
	for _, test := range ledgerCases {
		t.Run(test.name, func(t *testing.T) {
			l := report(t, test.reports)
			l.settle()
			for _, v := range violations {
				if (l.count[v] > 0) != (v == test.want) {
					t.Errorf("%d %s: %q", l.count[v], v, l.examples[v])
				}
			}
		})
	}
}

// report has nodes report to a ledger. producer0 writes partition P.
func report(t *testing.T, reports string) *ledger {
	t.Helper()
	c := &cluster{t: t, ledger: newLedger()}
	begun := make(map[string]bool)
	for _, line := range strings.Split("producer0: hello P; consumer0: START; "+reports, "; ") {
		name, words, _ := strings.Cut(line, ": ")
		if name == "" {
			continue
		}
		if !begun[name] || words == "START" {
			begun[name] = true
			c.ledger.starting(name)
		}
		switch words {
		case "START":
			continue
		case "WIPE":
			c.ledger.wipe(name)
			continue
		case "REST":
			c.ledger.rest()
			continue
		}
		if err := c.take(&node{name: name}, strings.Fields(words)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return c.ledger
}

func TestStoresEqual(t *testing.T) {
	const three = "probe: head A t P 0 5; probe: listed A; probe: head B t P 0 5; probe: listed B; " +
		"probe: head C t P 0 5; probe: listed C; producer0: published t 5"
	for _, test := range []struct {
		name, reports string
		want          bool
	}{
		{"equal", three, true},
		{"one has less", strings.Replace(three, "B t P 0 5", "B t P 0 4", 1), false},
		{"one has it from later on", strings.Replace(three, "B t P 0 5", "B t P 1 5", 1), false},
		{"all have less than was published", strings.Replace(three, "published t 5", "published t 6", 1), false},
		{"one lacks a partition", three + "; probe: head A u P 0 1; probe: head A t P 0 5; probe: listed A; producer0: published u 1", false},
		{"positions too", three + "; " + positions("A", 9) + "; " + positions("B", 9) + "; " + positions("C", 9), true},
		{"one has fewer positions", three + "; " + positions("A", 9) + "; " + positions("B", 8) + "; " + positions("C", 9), false},
		{"one was wiped", "store1: ready address=B; " + three + "; store1: WIPE", false},
		{"one was wiped and is back", "store1: ready address=B; " + three + "; store1: WIPE; store1: ready address=D; probe: head D t P 0 5; probe: listed D", true},
		{"one is missing", strings.Replace(three, "probe: listed C; ", "", 1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := report(t, test.reports)
			if got := l.storesEqual(time.Time{}); got != test.want {
				t.Errorf("equal: %v", got)
			}
			if l.storesEqual(time.Now().Add(time.Second)) {
				t.Error("lists from before count")
			}
		})
	}
}

// positions is a store's list with a consumer's positions in it.
func positions(store string, next int) string {
	return fmt.Sprintf("probe: head %s t P 0 5; probe: head %[1]s %s C 0 %d; probe: listed %[1]s", store, protocol.PositionsTopic, next)
}

// TestWipeWaitsForTheOthers: a disk is lost only when the other two have what was
// acknowledged.
func TestWipeWaitsForTheOthers(t *testing.T) {
	const three = "store0: ready address=A; store1: ready address=B; store2: ready address=C; producer0: ack t 0 5; "
	for _, test := range []struct {
		name, reports string
		want          bool
	}{
		{"they have it", "probe: head A t P 0 5; probe: listed A; probe: head C t P 0 6; probe: listed C", true},
		{"one lacks some", "probe: head A t P 0 5; probe: listed A; probe: head C t P 0 4; probe: listed C", false},
		{"one says nothing", "probe: head A t P 0 5; probe: listed A; probe: head B t P 0 6; probe: listed B", false},
		{"one has not ended its list", "probe: head A t P 0 5; probe: listed A; probe: head C t P 0 6", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := report(t, three+test.reports)
			if got := l.others("store1", time.Time{}, l.ends()); got != test.want {
				t.Errorf("ready: %v", got)
			}
			if l.others("store1", time.Now().Add(time.Second), l.ends()) {
				t.Error("lists from before count")
			}
		})
	}
}

func TestReportsAreChecked(t *testing.T) {
	c := &cluster{t: t, ledger: newLedger()}
	for _, line := range []string{"", "sings", "ack t", "ack t 0 x", "got t P 0 1", "began x", "saved t P", "head S t P -1 5"} {
		c.ledger.starting("consumer0")
		if err := c.take(&node{name: "consumer0"}, strings.Fields(line)); err == nil {
			t.Errorf("%q is no report", line)
		}
	}
}
