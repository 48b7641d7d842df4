package beck

import (
	"bytes"
	"fmt"
)

// Record is one entry of a topic.
//
// To publish one, set Topic and Value; the producer fills in the rest. A
// consumer sets every field.
type Record struct {
	// Topic is 1 to 255 bytes without NUL.
	Topic string

	// Partition is the address of the producer that wrote the record: 32
	// upper-case hexadecimal characters. Each producer writes a partition of
	// its own in every topic. Ignored on publishing.
	Partition string

	// Offset is the record's place in its partition, from 0 and without gaps.
	// Ignored on publishing.
	Offset uint64

	// Value is the content, and may be empty. On publishing it is copied
	// before the call returns. On receipt it belongs to the application and is
	// never written again, but it shares a block of up to 256 KiB with its
	// neighbours: Clone a record that is kept for long.
	Value []byte
}

// Clone returns a copy of r whose value has memory of its own.
func (r Record) Clone() Record {
	r.Value = bytes.Clone(r.Value)
	return r
}

// Place returns what names the record in the mesh.
func (r Record) Place() Offset {
	return Offset{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

// Offset names the place of one record in the mesh, for ever: first write
// wins, so an offset never stands for two contents.
type Offset struct {
	Topic     string // topic's name
	Partition string // address of the producer that wrote it
	Offset    uint64 // place in the partition, from 0
}

// String returns "topic/partition@offset" for logs and errors.
func (o Offset) String() string {
	return fmt.Sprintf("%s/%s@%d", o.Topic, o.Partition, o.Offset)
}
