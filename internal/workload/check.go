package workload

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// What can be wrong with what arrived.
var (
	// ErrLost says that a record did not arrive, or not in its turn.
	ErrLost = errors.New("record is missing")
	// ErrAgain says that a record arrived again, or too late.
	ErrAgain = errors.New("record came again or too late")
	// ErrContent says that a value is not the one that was sent.
	ErrContent = errors.New("value is not what was sent")
)

const (
	tailLen    = 8  // bytes at the end of every value that are compared
	wholeEvery = 64 // one record of so many is compared as a whole
)

// Checker sees to it that each record of a run arrives once, in the order of
// its producer and topic, as it was sent.
type Checker struct {
	payloads *Payloads
	shape    Shape
	next     []uint64 // sequence that is due, by producer and topic
	shares   []uint64 // records by producer
	left     uint64
}

// NewChecker returns a checker for all records of a run.
func NewChecker(p *Payloads) *Checker {
	s := p.shape
	c := &Checker{payloads: p, shape: s, left: s.Count}
	c.next = make([]uint64, s.Producers*s.Topics)
	for i := range c.next {
		c.next[i] = uint64(i % s.Topics)
	}
	c.shares = make([]uint64, s.Producers)
	for i := range c.shares {
		c.shares[i] = s.Share(i)
	}
	return c
}

// Left returns how many records have not arrived.
func (c *Checker) Left() uint64 { return c.left }

// Check takes the next value that arrived. Its error wraps ErrLost, ErrAgain or
// ErrContent, and names the record.
func (c *Checker) Check(value []byte) error {
	producer, seq, err := c.payloads.Verify(value)
	if err != nil {
		return err
	}
	if producer >= c.shape.Producers || seq >= c.shares[producer] {
		return fmt.Errorf("%w: stamp of producer %d, record %d: there is none", ErrContent, producer, seq)
	}
	due := &c.next[producer*c.shape.Topics+c.shape.Topic(seq)]
	if seq != *due {
		return c.wrong(producer, seq, *due)
	}
	*due = seq + uint64(c.shape.Topics)
	c.left--
	return nil
}

func (c *Checker) wrong(producer int, seq, due uint64) error {
	if seq < due {
		return fmt.Errorf("%w: producer %d, record %d, when %d was due", ErrAgain, producer, seq, due)
	}
	return fmt.Errorf("%w: producer %d, record %d: %d came in its place", ErrLost, producer, due, seq)
}

// Missing returns an error that wraps ErrLost and names the first record that
// has not arrived, or nil when all have.
func (c *Checker) Missing() error {
	for i, due := range c.next {
		if producer := i / c.shape.Topics; due < c.shares[producer] {
			return fmt.Errorf("%w: producer %d, record %d: %d of %d records did not arrive",
				ErrLost, producer, due, c.left, c.shape.Count)
		}
	}
	return nil
}

// Verify returns which record a value is, or an error that wraps ErrContent.
func (p *Payloads) Verify(value []byte) (producer int, seq uint64, err error) {
	if len(value) != p.shape.Size {
		return 0, 0, fmt.Errorf("%w: %d bytes, not %d", ErrContent, len(value), p.shape.Size)
	}
	stamp := binary.BigEndian.Uint64(value)
	producer, seq = int(stamp>>48), stamp&sequenceMax
	from := p.header
	if seq%wholeEvery != 0 {
		from = max(from, len(value)-tailLen)
	}
	if !bytes.Equal(value[from:], p.place(producer, seq)[from:]) {
		return 0, 0, fmt.Errorf("%w: producer %d, record %d", ErrContent, producer, seq)
	}
	return producer, seq, nil
}
