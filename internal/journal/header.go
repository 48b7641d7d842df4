package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/beckmesh/beck/internal/home"
	"github.com/beckmesh/beck/protocol"
)

const (
	// format is the version of the segments.
	format = 1

	magic = "beckjrnl"
	// headerPrefix is the part of a segment's header that is the same in all
	// versions.
	headerPrefix = 20
	// maxHeader bounds the header of a segment: every topic, with the longest
	// name.
	maxHeader = headerPrefix + 512 + MaxTopics*(1+protocol.MaxTopic+2*binary.MaxVarintLen64)
)

// header is what a segment begins with. The package's comment draws the bytes.
type header struct {
	number   uint64
	previous int64
	salt     uint64
	uuid     string
	origin   home.Origin // where it was made
	topics   []topicState
}

// topicState is a topic at the start of a segment. Its index is the topic's id.
type topicState struct {
	name          string
	next, trimmed uint64
}

// append encodes h behind dst, which is empty.
func (h header) append(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = binary.BigEndian.AppendUint32(dst, format)
	dst = append(dst, make([]byte, 8)...) // length and checksum
	dst = binary.BigEndian.AppendUint64(dst, h.number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.previous))
	dst = binary.BigEndian.AppendUint64(dst, h.salt)
	dst = append(dst, h.uuid...)
	dst = binary.BigEndian.AppendUint64(dst, h.origin.Dir)
	dst = binary.BigEndian.AppendUint64(dst, h.origin.File)
	dst = append(append(dst, byte(len(h.origin.Host))), h.origin.Host...)
	dst = binary.AppendUvarint(dst, uint64(len(h.topics)))
	for _, t := range h.topics {
		dst = append(append(dst, byte(len(t.name))), t.name...)
		dst = binary.AppendUvarint(dst, t.next)
		dst = binary.AppendUvarint(dst, t.trimmed)
	}
	binary.BigEndian.PutUint32(dst[12:], uint32(len(dst)))
	binary.BigEndian.PutUint32(dst[16:], prefixSum(dst))
	return dst
}

// prefixSum is the checksum of a header: of all of it but the sum itself.
func prefixSum(b []byte) uint32 {
	return crc32.Update(crc(b[:16]), castagnoli, b[headerPrefix:])
}

// What is wrong with a header.
var (
	errMagic     = errors.New("it does not begin as a segment does")
	errLength    = errors.New("the header's length does not fit the file")
	errHeaderSum = errors.New("the header's checksum does not match")
	errHeader    = errors.New("the header's fields make no sense")
)

// headerLen returns the length of the header that begins with prefix, of
// headerPrefix bytes, in a file of size bytes.
func headerLen(prefix []byte, size int64) (int64, error) {
	if string(prefix[:len(magic)]) != magic {
		return 0, errMagic
	}
	n := int64(binary.BigEndian.Uint32(prefix[12:]))
	if n < headerPrefix || n > size {
		return 0, errLength
	}
	return n, nil
}

// parseHeader parses a whole header. An error is [ErrFormat] for an intact
// header of a newer version, otherwise it says what is damaged.
func parseHeader(b []byte) (h header, err error) {
	if len(b) < headerPrefix {
		return h, errLength
	}
	if n, err := headerLen(b, int64(len(b))); err != nil || n != int64(len(b)) {
		return h, errors.Join(errLength, err)
	}
	if binary.BigEndian.Uint32(b[16:]) != prefixSum(b) {
		return h, errHeaderSum
	}
	if v := binary.BigEndian.Uint32(b[8:]); v > format {
		return h, fmt.Errorf("%w: version %d, known is %d", ErrFormat, v, format)
	} else if v == 0 || len(b) > maxHeader {
		return h, errHeader
	}
	return h, h.parse(b[headerPrefix:])
}

// parse parses what follows the prefix in version 1.
func (h *header) parse(b []byte) error {
	c := cutter{rest: b}
	h.number = c.uint64()
	previous := c.uint64()
	h.previous = int64(previous)
	h.salt = c.uint64()
	h.uuid = string(bytes.Clone(c.bytes(protocol.AddressLen)))
	h.origin.Dir, h.origin.File = c.uint64(), c.uint64()
	h.origin.Host = string(c.bytes(uint64(c.byte())))
	count := c.uvarint()
	if c.bad || previous > math.MaxInt64 || count > MaxTopics || protocol.ValidAddress(h.uuid) != nil {
		return errHeader
	}
	for range count {
		t := topicState{name: string(c.name()), next: c.uvarint(), trimmed: c.uvarint()}
		if c.bad || t.trimmed > t.next {
			return errHeader
		}
		h.topics = append(h.topics, t)
	}
	if len(c.rest) > 0 {
		return errHeader
	}
	return nil
}
