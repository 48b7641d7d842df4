package blocklog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/beckmesh/beck/protocol"
)

// Partition names what one producer wrote to one topic.
type Partition struct {
	Topic    string // 1 to 255 bytes without NUL
	Producer string // the producer's address, 32 upper-case hex characters
}

// String returns topic/producer, the topic quoted if it needs to be.
func (p Partition) String() string {
	if strings.IndexFunc(p.Topic, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) >= 0 {
		return fmt.Sprintf("%q/%s", p.Topic, p.Producer)
	}
	return p.Topic + "/" + p.Producer
}

// compare orders by topic, then producer: the order of the keys.
func (p Partition) compare(q Partition) int {
	if c := strings.Compare(p.Topic, q.Topic); c != 0 {
		return c
	}
	return strings.Compare(p.Producer, q.Producer)
}

func (p Partition) validate() error {
	if err := protocol.ValidTopic(p.Topic); err != nil {
		return fmt.Errorf("%w: topic %q: %w", ErrPartition, p.Topic, err)
	}
	if err := protocol.ValidAddress(p.Producer); err != nil {
		return fmt.Errorf("%w: producer %q: %w", ErrPartition, p.Producer, err)
	}
	return nil
}

// space is the first byte of a key, what kind of value it leads to.
type space byte

const (
	blocks     space = 'r'
	states     space = 'h'
	quarantine space = 'q'
	grains     space = 'g'
	conflicts  space = 'c'
)

// formatKey leads to the format version of the database.
var formatKey = []byte("v")

// seqLen is the length of a sequence at the end of a key.
const seqLen = 8

// bounds returns the lowest key of the space and the lowest key behind it.
func (s space) bounds() (lower, upper []byte) {
	return []byte{byte(s), '/'}, []byte{byte(s), '/' + 1}
}

// appendPrefix appends the key up to the producer: all of a state's key.
func (s space) appendPrefix(dst []byte, p Partition) []byte {
	dst = append(dst, byte(s), '/')
	dst = append(dst, p.Topic...)
	dst = append(dst, 0)
	return append(dst, p.Producer...)
}

// appendKey appends the key of a block.
func (s space) appendKey(dst []byte, p Partition, first uint64) []byte {
	dst = append(s.appendPrefix(dst, p), 0)
	return binary.BigEndian.AppendUint64(dst, first)
}

// appendEnd appends the lowest key behind all blocks of the partition.
func (s space) appendEnd(dst []byte, p Partition) []byte {
	return append(s.appendPrefix(dst, p), 1)
}

// parsePrefix takes a state's key apart.
func (s space) parsePrefix(key []byte) (Partition, bool) {
	if len(key) < 2 || key[0] != byte(s) || key[1] != '/' {
		return Partition{}, false
	}
	topic, producer, ok := bytes.Cut(key[2:], []byte{0})
	p := Partition{Topic: string(topic), Producer: string(producer)}
	return p, ok && p.validate() == nil
}

// parseKey takes a block's key apart.
func (s space) parseKey(key []byte) (p Partition, first uint64, ok bool) {
	n := len(key) - seqLen
	if n < 1 || key[n-1] != 0 {
		return Partition{}, 0, false
	}
	p, ok = s.parsePrefix(key[:n-1])
	return p, keySeq(key), ok
}

// keySeq returns the sequence that a block's key ends in. The key must be one.
func keySeq(key []byte) uint64 {
	return binary.BigEndian.Uint64(key[len(key)-seqLen:])
}
