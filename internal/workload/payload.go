package workload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	stampLen    = 8
	timedLen    = stampLen + 8
	sequenceMax = 1<<48 - 1

	// MaxProducers is how many producers one run can have.
	MaxProducers = 1 << 16

	// poolLen is how many places the values of a run begin at. It is prime, so
	// that the values of as many records in a row all begin elsewhere; and a
	// window that a compressor looks back in is smaller.
	poolLen = 2_097_143
)

// ErrShape says that a workload cannot be: the text names what is wrong.
var ErrShape = errors.New("impossible workload")

// Shape is what a run sends.
type Shape struct {
	Count     uint64 `json:"count"`           // records, over all producers; at most 2^48
	Size      int    `json:"size"`            // bytes of a value; at least 8, or 16 if Timed
	Producers int    `json:"producers"`       // at least 1, at most MaxProducers
	Topics    int    `json:"topics"`          // at least 1; each producer writes them in turn
	Timed     bool   `json:"timed,omitempty"` // values carry the time they were made
}

// Validate returns nil, or an error that wraps ErrShape.
func (s Shape) Validate() error {
	least := stampLen
	if s.Timed {
		least = timedLen
	}
	switch {
	case s.Count < 1 || s.Count > sequenceMax:
		return fmt.Errorf("%w: %d records: want 1 to 2^48-1", ErrShape, s.Count)
	case s.Size < least:
		return fmt.Errorf("%w: records of %d bytes: want at least %d", ErrShape, s.Size, least)
	case s.Producers < 1 || s.Producers > MaxProducers:
		return fmt.Errorf("%w: %d producers: want 1 to %d", ErrShape, s.Producers, MaxProducers)
	case s.Topics < 1:
		return fmt.Errorf("%w: %d topics: want at least 1", ErrShape, s.Topics)
	}
	return nil
}

// Share returns how many of the records one producer sends: what is left over
// when they are divided goes to the first ones.
func (s Shape) Share(producer int) uint64 {
	p := uint64(s.Producers)
	share := s.Count / p
	if uint64(producer) < s.Count%p {
		share++
	}
	return share
}

// Topic returns which topic, from 0, a record goes to.
func (s Shape) Topic(seq uint64) int {
	if s.Topics == 1 {
		return 0
	}
	return int(seq % uint64(s.Topics))
}

// Payloads makes the values of a shape, and knows what they must be. It is
// read-only after its making.
type Payloads struct {
	shape  Shape
	pool   []byte // poolLen places to begin at, and room for a value behind the last
	header int    // bytes of the stamp
}

// NewPayloads returns the values of a valid shape. They are the same in every
// process.
func NewPayloads(s Shape) *Payloads {
	p := &Payloads{shape: s, pool: make([]byte, poolLen+s.Size), header: stampLen}
	if s.Timed {
		p.header = timedLen
	}
	var seed [32]byte
	copy(seed[:], "values of beck's benchmarks")
	_, _ = rand.NewChaCha8(seed).Read(p.pool) // never fails
	return p
}

// place returns the random bytes of a record.
func (p *Payloads) place(producer int, seq uint64) []byte {
	at := (seq*uint64(p.shape.Size) + uint64(producer)*7919) % poolLen
	return p.pool[at : at+uint64(p.shape.Size)]
}

// Fill writes the value of a record, of which dst has the size.
func (p *Payloads) Fill(dst []byte, producer int, seq uint64) {
	copy(dst, p.place(producer, seq))
	binary.BigEndian.PutUint64(dst, uint64(producer)<<48|seq)
}

// SetTime stamps a value with the time it is published at.
func SetTime(value []byte, at time.Time) {
	binary.BigEndian.PutUint64(value[stampLen:], uint64(at.UnixNano()))
}

// Time returns the time that a value was stamped with, in nanoseconds since
// the epoch.
func Time(value []byte) int64 { return int64(binary.BigEndian.Uint64(value[stampLen:])) }
