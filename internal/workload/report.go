package workload

import "slices"

// Report is what a run measured: the object that `beck bench --json` prints.
type Report struct {
	Mode      string `json:"mode"`
	Count     uint64 `json:"count"`               // records published; in mode join, starts
	Size      int    `json:"size"`                // bytes of a value
	Producers int    `json:"producers,omitempty"` // processes
	Consumers int    `json:"consumers,omitempty"` // processes
	Topics    int    `json:"topics,omitempty"`
	Rate      int    `json:"rate,omitempty"` // records per second asked for

	// Seconds is what the mode measures. The rates are of that time, and of all
	// deliveries: with several consumers, each record counts for each of them.
	// A megabyte is 10^6 bytes of values.
	Seconds            float64 `json:"seconds"`
	RecordsPerSecond   float64 `json:"records_per_second"`
	MegabytesPerSecond float64 `json:"megabytes_per_second"`

	// SecondsFromStart is, in mode replay, the time from the start of the
	// consumer's process to its last record.
	SecondsFromStart float64 `json:"seconds_from_start,omitempty"`

	// StoreStartSeconds is the time from the start of the store's process until
	// it was ready, and StoreHeldBytes what its directory held then.
	StoreStartSeconds float64 `json:"store_start_seconds,omitempty"`
	StoreHeldBytes    int64   `json:"store_held_bytes,omitempty"`

	// CPUSeconds is the processor time that each role took in what was measured,
	// all its processes together; PeakRSSBytes the most memory that one process
	// of the role ever had.
	CPUSeconds   map[string]float64 `json:"cpu_seconds"`
	PeakRSSBytes map[string]int64   `json:"peak_rss_bytes"`

	// Scrapes is how often the metrics of a node were read, and Exports how many
	// messages with spans came, in what was measured.
	Scrapes int `json:"scrapes,omitempty"`
	Exports int `json:"exports,omitempty"`

	Latency *Latency `json:"latency_microseconds,omitempty"`
	Note    string   `json:"note,omitempty"` // what a reader must know to compare it
}

// Latency is a distribution, in microseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// Took sets the time that was measured, and the rates that follow for so many
// deliveries.
func (r *Report) Took(seconds float64, deliveries uint64) {
	r.Seconds = seconds
	if seconds > 0 {
		r.RecordsPerSecond = float64(deliveries) / seconds
		r.MegabytesPerSecond = r.RecordsPerSecond * float64(r.Size) / 1e6
	}
}

// AddUsage adds what one process of a role took.
func (r *Report) AddUsage(role string, cpuSeconds float64, peakRSS int64) {
	if r.CPUSeconds == nil {
		r.CPUSeconds, r.PeakRSSBytes = make(map[string]float64), make(map[string]int64)
	}
	r.CPUSeconds[role] += cpuSeconds
	r.PeakRSSBytes[role] = max(r.PeakRSSBytes[role], peakRSS)
}

// Roles returns the roles that used something, in the order in which a record
// passes them.
func (r *Report) Roles() []string {
	order := []string{"producer", "tower", "server", "store", "consumer"}
	var roles []string
	for role := range r.CPUSeconds {
		roles = append(roles, role)
	}
	slices.SortFunc(roles, func(a, b string) int {
		return slices.Index(order, a) - slices.Index(order, b)
	})
	return roles
}

// TotalCPU returns the processor time of all roles together.
func (r *Report) TotalCPU() (seconds float64) {
	for _, role := range r.Roles() {
		seconds += r.CPUSeconds[role]
	}
	return seconds
}
