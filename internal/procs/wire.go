package procs

import "encoding/json"

// event is a line from a child.
type event struct {
	Is      string          `json:"is"`
	Data    json.RawMessage `json:"data,omitempty"`    // of ready and done
	Records uint64          `json:"records,omitempty"` // of progress
	Usage   *Usage          `json:"usage,omitempty"`
	Error   string          `json:"error,omitempty"` // of failed
}

const (
	isReady    = "ready"
	isProgress = "progress"
	isDone     = "done"
	isUsage    = "usage"
	isFailed   = "failed"
)

// command is a line to a child.
type command struct {
	Do      string `json:"do"`
	Records uint64 `json:"records,omitempty"` // of credit
}

const (
	doGo     = "go"
	doCredit = "credit"
	doReport = "report"
)

// Usage is what a process used.
type Usage struct {
	CPUSeconds float64 `json:"cpu_seconds"`    // since it was told to go
	PeakRSS    int64   `json:"peak_rss_bytes"` // ever
}
