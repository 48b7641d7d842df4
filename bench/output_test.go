package main

import (
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beckmesh/beck/internal/workload"
)

func report(perSecond, p50 float64) *workload.Report {
	r := &workload.Report{Count: 1000, Size: 100, RecordsPerSecond: perSecond, MegabytesPerSecond: perSecond / 1e4}
	if p50 > 0 {
		r.Latency = &workload.Latency{P50: p50, P99: 2 * p50, P999: 3 * p50, Max: 4 * p50}
	}
	r.AddUsage("producer", 0.001, 10<<20)
	r.AddUsage("consumer", 0.002, 20<<20)
	return r
}

// measured returns three rounds in which beck is 1, 3 and 2 times as fast as
// NATS, of which one failed, and half as slow.
func measured() (*comparison, []system, *results) {
	c := &comparison{sizes: []int{100, 1024}, modes: allModes, rounds: 3, count: 1000}
	chosen := []system{{name: "beck"}, {name: "NATS core"}}
	r := newResults()
	for i, times := range []float64{1, 3, 2} {
		r.add(cell{direct, 100, "beck"}, report(times*1000, 0), nil)
		r.add(cell{direct, 100, "NATS core"}, report(1000, 0), nil)
		r.add(cell{latency, 100, "beck"}, report(1000, 50), nil)
		if i == 1 {
			r.add(cell{latency, 100, "NATS core"}, nil, errors.New("it | broke"))
		} else {
			r.add(cell{latency, 100, "NATS core"}, report(1000, 100), nil)
		}
	}
	r.add(cell{replay, 100, "beck"}, nil, errors.New("a record | is missing"))
	return c, chosen, r
}

func TestTargetTable(t *testing.T) {
	c, _, r := measured()
	got := targetTable(c, r).markdown()
	for _, want := range []string{
		"| direct       | 100 B | NATS core | 2×    | 1× to 3×          | 2.50×         |               | missed      |",
		"| latency, p50 | 100 B | NATS core | 0.50× | 0.50× to 0.50×    | at most 0.75× | at most 0.50× | aim reached |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no row %q in\n%s", want, got)
		}
	}
}

func TestModeTables(t *testing.T) {
	c, chosen, r := measured()
	got := tables(c, chosen, r)
	for _, want := range []string{
		"| 100 B | beck      | 2,000     | 1,000 to 3,000    | 0.2  | 3.000 µs                  | producer 10 MiB, consumer 20 MiB |",
		"| NATS core | 100.0 µs | 100.0 µs to 100.0 µs | 200.0 µs | 300.0 µs | 400.0 µs | 3.0 µs ",
		"| 100 B | beck   | failed    | a record / is missing |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestCharts(t *testing.T) {
	c, chosen, r := measured()
	chosen[1].name = "NATS core"
	svg := modeChart(c, direct, chosen, r)
	if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"values of 100 B", ">beck<", ">NATS core<", ">2,000<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in %s", want, svg)
		}
	}
	if strings.Contains(svg, "1 KiB") {
		t.Error("a group without bars")
	}
	if svg := modeChart(c, join, chosen, r); svg != "" {
		t.Errorf("a chart of nothing: %s", svg)
	}
}

func TestWriteComparison(t *testing.T) {
	c, chosen, r := measured()
	c.docs = t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", "docs", document)) // which must have all markers
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.docs, document), text, 0o666); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, there is something to replace
		if err := writeComparison(c, chosen, r); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := os.ReadFile(filepath.Join(c.docs, document))
	for _, want := range []string{
		"make compare ROUNDS=3 COUNT=1000", "](images/bench-direct.svg)", "| 2,000 ", "| latency, p50 | ", "## Cost as it grows",
	} {
		if n := strings.Count(string(got), want); n != 1 {
			t.Errorf("%q is there %d times", want, n)
		}
	}
	if _, err := os.Stat(filepath.Join(c.docs, "images", "bench-latency.svg")); err != nil {
		t.Error(err)
	}
}

func TestDocumentHasEverySweep(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sweeps {
		if _, err := replaceBetween(string(text), "cost "+s.name, "x"); err != nil {
			t.Error(err)
		}
	}
	if _, err := replaceBetween(string(text), "nothing", "x"); !errors.Is(err, errMarkers) {
		t.Errorf("a part that is not there: %v", err)
	}
}

func TestPairTable(t *testing.T) {
	s := sweep{name: "topics", steps: []int{10, 1}, step: counts}
	cheap, dear := report(1, 0), report(1, 0)
	dear.AddUsage("consumer", 0.003, 0)
	got := pairTable(s, map[int][]*workload.Report{10: {cheap}, 1: {dear}}, map[int][]*workload.Report{10: {cheap}, 1: {cheap}}).markdown()
	for _, want := range []string{
		"| topics | µs per record | ratio to 10 |",
		"| 1      | 6.000         | 2×          | 2× to 2×          | 5.000       | 20 MiB          | 1.000       | 10 MiB          |\n| 10 ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestGrouped(t *testing.T) {
	for x, want := range map[float64]string{0.4: "0", 999: "999", 1234567: "1,230,000", 99960: "100,000", 1005: "1,010"} {
		if got := grouped(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
}
