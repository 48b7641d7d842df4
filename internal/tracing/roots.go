package tracing

import (
	"sync/atomic"
	"time"
)

// roots bounds how many traces a node begins by itself. Where records are published by
// the million, even to ask a sampler about each costs more than the records.
type roots struct {
	most   int64     // a second; below 0: any number
	base   time.Time // seconds are counted from here
	second atomic.Int64
	begun  atomic.Int64 // in that second
}

// take reports whether one more may begin now. Calls at the turn of a second may
// exceed the bound by one each.
func (r *roots) take() bool {
	if r.most < 0 {
		return true
	}
	now := int64(time.Since(r.base) / time.Second)
	if s := r.second.Load(); s != now && r.second.CompareAndSwap(s, now) {
		r.begun.Store(0)
	}
	return r.begun.Load() < r.most && r.begun.Add(1) <= r.most
}
