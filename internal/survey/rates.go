package survey

import (
	"time"

	"github.com/beckmesh/beck/protocol"
)

// Rates are how much a node receives and sends a second, since the round before. One
// that the node does not count is nil.
type Rates struct {
	// RecordsIn are records that a consumer delivered, or a store wrote to its disk.
	RecordsIn *float64 `json:"records_in,omitempty"`
	// RecordsOut are records that a producer published, or a node sent to those who
	// missed them.
	RecordsOut *float64 `json:"records_out,omitempty"`
	// BytesIn and BytesOut are what all links to other nodes carried.
	BytesIn  *float64 `json:"bytes_in,omitempty"`
	BytesOut *float64 `json:"bytes_out,omitempty"`
}

// ratesOf returns the rates from what a node counted to what it counts now. They are
// nil if it did not count before. A sum that fell began anew.
func ratesOf(before, now []protocol.Count, passed time.Duration) *Rates {
	if before == nil || passed <= 0 {
		return nil
	}
	was := make(map[string]uint64, len(before))
	for _, c := range before {
		was[c.Name] = c.N
	}
	r := new(Rates)
	for _, c := range now {
		n, counted := was[c.Name]
		to := r.of(c.Name)
		if to == nil || !counted {
			continue
		}
		if *to == nil {
			*to = new(float64)
		}
		if c.N > n {
			**to += float64(c.N-n) / passed.Seconds()
		}
	}
	return r
}

// of returns the rate that a count of nodes belongs to; nil if it is none.
func (r *Rates) of(count string) **float64 {
	switch count {
	case "delivered", "committed":
		return &r.RecordsIn
	case "published", "served":
		return &r.RecordsOut
	case "received_bytes":
		return &r.BytesIn
	case "sent_bytes":
		return &r.BytesOut
	}
	return nil
}
