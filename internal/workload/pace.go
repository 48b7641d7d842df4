package workload

import "time"

// Pacer spreads records evenly over time. One that comes late lets those behind
// it follow at once, so that the rate is kept.
type Pacer struct {
	begin time.Time
	rate  float64
	n     uint64
}

// NewPacer returns a pacer for so many records per second, beginning now.
func NewPacer(rate int) *Pacer { return &Pacer{begin: time.Now(), rate: float64(rate)} }

// Wait blocks until the next record is due.
func (p *Pacer) Wait() {
	due := p.begin.Add(time.Duration(float64(p.n) / p.rate * float64(time.Second)))
	p.n++
	if wait := time.Until(due); wait > 0 {
		sleep(wait)
	}
}
