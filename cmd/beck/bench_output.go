package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/beckmesh/beck/internal/bench"
	"github.com/beckmesh/beck/internal/workload"
)

func printJSON(w io.Writer, r *workload.Report) error {
	return json.NewEncoder(w).Encode(r)
}

// printCSV prints the same columns for every mode, so that lines of several
// runs can be put together.
func printCSV(w io.Writer, r *workload.Report) error {
	latency := r.Latency
	if latency == nil {
		latency = new(workload.Latency)
	}
	names := []string{"mode", "count", "size", "producers", "consumers", "topics", "rate", "seconds",
		"records_per_second", "megabytes_per_second", "seconds_from_start", "store_start_seconds",
		"p50_us", "p99_us", "p99.9_us", "max_us"}
	values := []string{r.Mode, strconv.FormatUint(r.Count, 10)}
	for _, n := range []int{r.Size, r.Producers, r.Consumers, r.Topics, r.Rate} {
		values = append(values, strconv.Itoa(n))
	}
	for _, x := range []float64{r.Seconds, r.RecordsPerSecond, r.MegabytesPerSecond, r.SecondsFromStart,
		r.StoreStartSeconds, latency.P50, latency.P99, latency.P999, latency.Max} {
		values = append(values, strconv.FormatFloat(x, 'f', -1, 64))
	}
	for _, role := range []string{"producer", "tower", "store", "consumer"} {
		names = append(names, role+"_cpu_seconds", role+"_peak_rss_bytes")
		values = append(values, strconv.FormatFloat(r.CPUSeconds[role], 'f', -1, 64),
			strconv.FormatInt(r.PeakRSSBytes[role], 10))
	}
	out := csv.NewWriter(w)
	_ = out.Write(names) // Flush keeps the error
	_ = out.Write(values)
	out.Flush()
	return out.Error()
}

// printReport prints for people.
func printReport(w io.Writer, r *workload.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	printWhat(t, r)
	if r.RecordsPerSecond > 0 {
		fmt.Fprintf(t, "time\t%.3f s\n", r.Seconds)
		fmt.Fprintf(t, "rate\t%s records/s   %.1f MB/s\n", grouped(int(r.RecordsPerSecond)), r.MegabytesPerSecond)
	}
	if r.Scrapes+r.Exports > 0 {
		fmt.Fprintf(t, "watched\tmetrics were read %s times, spans came in %s messages\n", grouped(r.Scrapes), grouped(r.Exports))
	}
	if r.SecondsFromStart > 0 {
		fmt.Fprintf(t, "from start\t%.3f s, from the start of the process to the last record\n", r.SecondsFromStart)
	}
	if l := r.Latency; l != nil {
		if r.Mode == string(bench.Join) {
			fmt.Fprintf(t, "first record\tp50 %.1f ms   max %.1f ms\n", l.P50/1000, l.Max/1000)
		} else {
			fmt.Fprintf(t, "latency\tp50 %.1f µs   p99 %.1f µs   p99.9 %.1f µs   max %.1f µs\n", l.P50, l.P99, l.P999, l.Max)
		}
	}
	if r.StoreStartSeconds > 0 {
		fmt.Fprintf(t, "store start\t%.3f s, its directory held %.1f MB\n", r.StoreStartSeconds, float64(r.StoreHeldBytes)/1e6)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := printRoles(w, r); err != nil {
		return err
	}
	if r.Note != "" {
		fmt.Fprintf(w, "\nnote: %s\n", r.Note)
	}
	if r.Mode != string(bench.Join) && r.Mode != string(bench.Idle) {
		_, err := fmt.Fprintln(w, "\nevery record arrived once and in order")
		return err
	}
	return nil
}

func printWhat(w io.Writer, r *workload.Report) {
	if r.Mode == string(bench.Idle) {
		fmt.Fprintf(w, "idle\t%s nodes, for %.1f s: %.2f %% of a core together\n", grouped(int(r.Count)), r.Seconds, 100*r.TotalCPU()/r.Seconds)
		return
	}
	if r.Mode == string(bench.Join) {
		fmt.Fprintf(w, "join\t%s starts of a consumer, beside %s records/s of %s bytes\n",
			grouped(int(r.Count)), grouped(r.Rate), grouped(r.Size))
		return
	}
	fmt.Fprintf(w, "%s\t%s records of %s bytes", r.Mode, grouped(int(r.Count)), grouped(r.Size))
	if r.Rate > 0 {
		fmt.Fprintf(w, ", %s/s", grouped(r.Rate))
	}
	for _, n := range []struct {
		many int
		of   string
	}{{r.Producers, "producers"}, {r.Topics, "topics"}, {r.Consumers, "consumers"}} {
		if n.many > 1 {
			fmt.Fprintf(w, ", %s %s", grouped(n.many), n.of)
		}
	}
	fmt.Fprintln(w)
}

// printRoles prints what each role used.
func printRoles(w io.Writer, r *workload.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	per, share := "per record", func(cpu float64) string { return fmt.Sprintf("%.3f µs", cpu/float64(r.Count)*1e6) }
	switch r.Mode {
	case string(bench.Join):
		per = "per join"
	case string(bench.Idle):
		per, share = "of a core", func(cpu float64) string { return fmt.Sprintf("%.2f %%", 100*cpu/r.Seconds) }
	}
	fmt.Fprintf(t, "\n\tprocessor time\t%s\tpeak memory\t\n", per)
	for _, role := range r.Roles() {
		fmt.Fprintf(t, "%s\t%.3f s\t%s\t%.1f MiB\t\n", role, r.CPUSeconds[role],
			share(r.CPUSeconds[role]), float64(r.PeakRSSBytes[role])/(1<<20))
	}
	return t.Flush()
}
