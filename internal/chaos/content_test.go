//go:build unix

package chaos

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"testing"
)

const (
	smallestValue = 40 // bytes
	valueSpread   = 120
)

// appendValue appends the content of a record, which follows from its place:
// the place in words, then bytes that look random.
func appendValue(dst []byte, producer int, topic string, offset uint64) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(producer), 10)
	dst = append(append(append(dst, ' '), topic...), ' ')
	dst = append(strconv.AppendUint(dst, offset, 10), ' ')
	x := uint64(crc32.ChecksumIEEE(dst[start:]))<<20 + offset
	size := smallestValue + int(scramble(&x)%valueSpread)
	for len(dst)-start < size {
		r := scramble(&x)
		dst = append(dst, byte(r), byte(r>>8), byte(r>>16), byte(r>>24), byte(r>>32), byte(r>>40), byte(r>>48), byte(r>>56))
	}
	return dst[:start+size]
}

// scramble returns the next number of a sequence (splitmix64).
func scramble(x *uint64) uint64 {
	*x += 0x9e3779b97f4a7c15
	z := *x
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// writer returns which producer a value says it is of, and an error if it is
// not what that producer writes at this place.
func writer(value, scratch []byte, topic string, offset uint64) (producer int, err error) {
	before, _, ok := bytes.Cut(value, []byte{' '})
	if !ok {
		return 0, errors.New("value names no producer")
	}
	if producer, err = strconv.Atoi(string(before)); err != nil {
		return 0, fmt.Errorf("value names no producer: %w", err)
	}
	if want := appendValue(scratch[:0], producer, topic, offset); !bytes.Equal(value, want) {
		return producer, fmt.Errorf("value is %.60q, not %.60q", value, want)
	}
	return producer, nil
}

func TestWriterKnowsItsValues(t *testing.T) {
	for offset := range uint64(1000) {
		v := appendValue(nil, 3, "chaos.a", offset)
		if p, err := writer(v, nil, "chaos.a", offset); p != 3 || err != nil {
			t.Fatalf("own value at %d: producer %d, %v", offset, p, err)
		}
		if _, err := writer(v, nil, "chaos.b", offset); err == nil {
			t.Fatalf("value at %d passes for one of another topic", offset)
		}
		if _, err := writer(v, nil, "chaos.a", offset+1); err == nil {
			t.Fatalf("value at %d passes for the next", offset)
		}
		v[len(v)-1] ^= 1
		if _, err := writer(v, nil, "chaos.a", offset); err == nil {
			t.Fatalf("spoiled value at %d passes", offset)
		}
	}
}
