package beck

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// Record is one entry of a topic.
//
// To publish one, set Topic and Value, and Key, Headers and Time as needed; the
// producer fills in the rest. A consumer sets every field.
//
// On publishing all bytes are copied before the call returns. On receipt Key,
// Value and the headers' values belong to the application and are never written
// again, but may share a block of up to 256 KiB with the record's neighbours:
// Clone a record that is kept for long.
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

	// Key says what the record is about: any bytes, at most 64 KiB. A nil key
	// is none; an empty key that is not nil is a key, and arrives as one.
	Key []byte

	// Value is the content, and may be empty.
	Value []byte

	// Headers are the application's notes on the record, which beck does not
	// read, but for those that say its trace: see [SetContext]. At most 256, and
	// 64 KiB together. Their order and repeated names are kept.
	Headers []Header

	// Time is when the record was made, to the millisecond. Zero on publishing
	// means now. On receipt it is in UTC, and zero if the record carries none:
	// its producer was told to send none, is a C node, or the record passed
	// through a C store.
	Time time.Time

	// Source says what kind of node the record was received from. Ignored on
	// publishing.
	Source Source
}

// Header is one name and value beside a record.
type Header struct {
	Name  string // any text; names may repeat
	Value []byte // any bytes; nil arrives as empty
}

// Source is the kind of node that a record was received from. It says nothing
// of who wrote it, which is Record.Partition.
type Source uint8

// The sources of a record. The zero Source says nothing.
const (
	FromProducer Source = 1 + iota // from the producer that wrote it
	FromStore                      // from a store
)

// String returns "producer", "store", or "" for a source that is not said.
func (s Source) String() string {
	switch s {
	case FromProducer:
		return "producer"
	case FromStore:
		return "store"
	}
	return ""
}

// Clone returns a copy of r whose key, value and headers have memory of their
// own.
func (r Record) Clone() Record {
	r.Key, r.Value, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
	for i := range r.Headers {
		r.Headers[i].Value = bytes.Clone(r.Headers[i].Value)
	}
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
