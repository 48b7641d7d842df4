package workload

import (
	"slices"
	"sync"
)

// Records that no store keeps must not get further ahead of the slowest
// consumer than the producer's window reaches back, so that what a consumer had
// no room for can still be fetched: AheadBytes is less than beck's default of
// 64 MiB, and than what a NATS server holds for a slow client, counting each
// record with headerAround.
const (
	AheadBytes   = 48 << 20
	headerAround = 256
)

// Credit says how many records producers may send: each an equal part of what
// the slowest consumer has, and of what may be on its way. So no producer can be
// further ahead of what every consumer has of it than all of that.
type Credit struct {
	producers uint64
	ahead     uint64 // records that may be on their way

	mu     sync.Mutex
	counts []uint64          // what each consumer has
	grant  func(each uint64) // nil until it begins
}

// NewCredit returns the credit of a run with so many consumers.
func NewCredit(s Shape, consumers int) *Credit {
	return &Credit{
		producers: uint64(s.Producers),
		ahead:     max(uint64(s.Producers), uint64(AheadBytes/(s.Size+headerAround))),
		counts:    make([]uint64, consumers),
	}
}

// Begin gives the first credit, and has grant called whenever there is more:
// with what each producer may send, counted from its start.
func (c *Credit) Begin(grant func(each uint64)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grant = grant
	c.give()
}

// Arrived notes what a consumer has, and returns what all have.
func (c *Credit) Arrived(consumer int, n uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := slices.Min(c.counts)
	c.counts[consumer] = n
	after := slices.Min(c.counts)
	if after > before && c.grant != nil {
		c.give()
	}
	return after
}

// give needs the lock.
func (c *Credit) give() { c.grant((slices.Min(c.counts) + c.ahead) / c.producers) }
