package core

import (
	"cmp"
	"fmt"
	"strings"
)

// Partition names one ordered sequence of records: those that one producer
// wrote to one topic.
type Partition struct {
	Topic    string
	Producer string // the producer's address, 32 upper-case hexadecimal characters
}

// Compare orders partitions by topic, then producer.
func (p Partition) Compare(q Partition) int {
	return cmp.Or(strings.Compare(p.Topic, q.Topic), strings.Compare(p.Producer, q.Producer))
}

// String returns "topic/producer".
func (p Partition) String() string { return p.Topic + "/" + p.Producer }

// Range is the sequences First to End-1 of a partition.
type Range struct {
	First, End uint64
}

// Len returns the number of sequences in r.
func (r Range) Len() uint64 { return r.End - r.First }

// String returns "first–last" as a person reads it.
func (r Range) String() string {
	if r.End == r.First+1 {
		return fmt.Sprintf("%d", r.First)
	}
	return fmt.Sprintf("%d–%d", r.First, r.End-1)
}
