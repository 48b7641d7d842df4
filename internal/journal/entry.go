package journal

import (
	"encoding/binary"

	"github.com/beckmesh/beck/protocol"
)

// kind is the first byte of an entry.
type kind byte

const (
	kindRecord kind = 1
	kindTopic  kind = 2
	kindTrim   kind = 3
	kindEnd    kind = 4
)

// entry is a parsed entry; its slices alias what was parsed. The package's
// comment draws the bytes.
type entry struct {
	kind           kind
	id             uint64 // record, trim: the topic's
	seq            uint64 // record: its own; topic: the first; trim: the first that stays
	name           []byte // topic
	value, trailer []byte // record; trailer is nil if there is none
}

func appendRecord(dst []byte, id int, seq uint64, value, trailer []byte) []byte {
	dst = append(dst, byte(kindRecord))
	dst = binary.AppendUvarint(dst, uint64(id))
	dst = binary.AppendUvarint(dst, seq)
	dst = binary.AppendUvarint(dst, uint64(len(trailer)))
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(append(dst, trailer...), value...)
}

func appendTopic(dst []byte, name string, first uint64) []byte {
	dst = append(dst, byte(kindTopic), byte(len(name)))
	return binary.AppendUvarint(append(dst, name...), first)
}

func appendTrim(dst []byte, id int, upTo uint64) []byte {
	dst = binary.AppendUvarint(append(dst, byte(kindTrim)), uint64(id))
	return binary.AppendUvarint(dst, upTo)
}

func appendEnd(dst []byte) []byte { return append(dst, byte(kindEnd)) }

// append encodes e again.
func (e entry) append(dst []byte) []byte {
	switch e.kind {
	case kindRecord:
		return appendRecord(dst, int(e.id), e.seq, e.value, e.trailer)
	case kindTopic:
		return appendTopic(dst, string(e.name), e.seq)
	case kindTrim:
		return appendTrim(dst, int(e.id), e.seq)
	default:
		return appendEnd(dst)
	}
}

// cutEntry parses the entry that b begins with. ok is false if there is none.
func cutEntry(b []byte) (e entry, rest []byte, ok bool) {
	c := cutter{rest: b}
	switch e.kind = kind(c.byte()); e.kind {
	case kindRecord:
		e.id, e.seq = c.id(), c.uvarint()
		trailer, value := c.uvarint(), c.uvarint()
		e.trailer, e.value = c.bytes(trailer), c.bytes(value)
		if len(e.trailer) == 0 {
			e.trailer = nil
		}
	case kindTopic:
		e.name, e.seq = c.name(), c.uvarint()
	case kindTrim:
		e.id, e.seq = c.id(), c.uvarint()
	case kindEnd:
	default:
		return entry{}, nil, false
	}
	return e, c.rest, !c.bad
}

// cutter takes fields from the front of bytes. Once something was missing, bad
// stays set and zero values come out.
type cutter struct {
	rest []byte
	bad  bool
}

func (c *cutter) bytes(n uint64) []byte {
	if c.bad || n > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cutter) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cutter) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if c.bad || n <= 0 {
		c.bad = true
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// id is a topic's.
func (c *cutter) id() uint64 {
	id := c.uvarint()
	c.bad = c.bad || id >= MaxTopics
	return id
}

// name is a topic's, valid.
func (c *cutter) name() []byte {
	name := c.bytes(uint64(c.byte()))
	c.bad = c.bad || protocol.ValidTopic(string(name)) != nil
	return name
}
