package protocol

import (
	"encoding/binary"
	"fmt"
)

// Stores compare what they hold by sums of ranges. One asks another with a
// GET-HEADS of the topic that carries a Question; the other answers with a
// DIRECT-HEAD of the partition that carries Sums. On the wire each is a map of
// one key with one msgpack binary, all numbers big-endian:
//
//	81 0E C4 30 | producer (32) | first (8) | end (8) |
//	81 0F C4 nn | first (8) | end (8) | step (8) | (records (8) | digest (8)) ... |

// MaxSums is the number of parts that one answer may have.
const MaxSums = 12

// Question asks a store to sum up the contents of a partition within [First,
// End), two multiples of 4,096.
type Question struct {
	Producer   string
	First, End uint64
}

// AppendQuestion appends q as the trailer of a GET-HEADS.
func AppendQuestion(dst []byte, q Question) []byte {
	dst = append(dst, 0x81, keyQuestion, 0xc4, AddressLen+16)
	dst = append(dst, q.Producer...)
	dst = binary.BigEndian.AppendUint64(dst, q.First)
	return binary.BigEndian.AppendUint64(dst, q.End)
}

// ParseQuestion reads the trailer of a GET-HEADS; ok is false if it has no
// question. [ErrTrailer]: it has one that cannot be read.
func ParseQuestion(trailer []byte) (q Question, ok bool, err error) {
	b, ok, err := binaryValue(trailer, keyQuestion)
	if !ok || err != nil {
		return Question{}, false, err
	}
	if len(b) != AddressLen+16 || ValidAddress(string(b[:AddressLen])) != nil {
		return Question{}, false, fmt.Errorf("%w: question of %d bytes", ErrTrailer, len(b))
	}
	return Question{
		Producer: string(b[:AddressLen]),
		First:    binary.BigEndian.Uint64(b[AddressLen:]), End: binary.BigEndian.Uint64(b[AddressLen+8:]),
	}, true, nil
}

// Sum is what a store holds of a range: how many records, and their digest.
type Sum struct{ Records, Digest uint64 }

// Sums is the answer to a [Question]: the sums of [First, First+Step), of the
// Step sequences behind it, and so on up to End. No parts: the store does not
// know the sums of the range.
type Sums struct {
	First, End, Step uint64
	Parts            []Sum
}

// AppendSums appends s, of at most [MaxSums] parts, as the trailer of a
// DIRECT-HEAD.
func AppendSums(dst []byte, s Sums) []byte {
	dst = append(dst, 0x81, keySums, 0xc4, byte(24+16*len(s.Parts)))
	for _, n := range [...]uint64{s.First, s.End, s.Step} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	for _, p := range s.Parts {
		dst = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, p.Records), p.Digest)
	}
	return dst
}

// ParseSums reads the trailer of a DIRECT-HEAD; ok is false if it has no sums.
// [ErrTrailer]: it has some that cannot be read, or whose parts do not make up
// the range.
func ParseSums(trailer []byte) (s Sums, ok bool, err error) {
	b, ok, err := binaryValue(trailer, keySums)
	if !ok || err != nil {
		return Sums{}, false, err
	}
	if len(b) < 24 || len(b)%16 != 8 || len(b) > 24+16*MaxSums {
		return Sums{}, false, fmt.Errorf("%w: sums of %d bytes", ErrTrailer, len(b))
	}
	s.First, s.End, s.Step = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
	for b = b[24:]; len(b) > 0; b = b[16:] {
		s.Parts = append(s.Parts, Sum{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])})
	}
	if n := uint64(len(s.Parts)); n > 0 && (s.Step == 0 || s.End <= s.First || (s.End-s.First-1)/s.Step+1 != n) {
		return Sums{}, false, fmt.Errorf("%w: %d sums of %d sequences from %d to %d", ErrTrailer, n, s.Step, s.First, s.End)
	}
	return s, true, nil
}

// FirstSeen is what a store tells another of a record, in front of the record's
// own entries in the trailer of its DIRECT-RECORD, of which there may be none:
//
//	8n 10 time own ...     or   8n 10 time 11 C3
//	map, first seen, own        map, first seen, bare
type FirstSeen struct {
	Time int64 // when any store saw it first, ms since 1970: its age counts from then
	Bare bool  // it has lost its trailer, if it had one: a foreign store gave it
}

// maxOwn is how many entries a record's own trailer may have for FirstSeen to be
// put in front of them.
const maxOwn = 14

// AppendFirstSeen appends the trailer of a DIRECT-RECORD that says f of a record
// with the trailer own. Only a record without one can be bare. A trailer that is
// no map of at most 14 entries is appended as it is, and f not said.
func AppendFirstSeen(dst []byte, f FirstSeen, own []byte) []byte {
	switch {
	case len(own) == 0 && f.Bare:
		return append(appendUint(append(dst, 0x82, keyFirstSeen), uint64(f.Time)), keyBare, 0xc3)
	case len(own) == 0:
		return appendUint(append(dst, 0x81, keyFirstSeen), uint64(f.Time))
	case own[0] < 0x80 || own[0] > 0x80|maxOwn:
		return append(dst, own...)
	}
	return append(appendUint(append(dst, own[0]+1, keyFirstSeen), uint64(f.Time)), own[1:]...)
}

// CutFirstSeen takes what [AppendFirstSeen] wrote off the trailer of a record. It
// returns the record's own trailer, in the memory of scratch where that suffices,
// and ok if something was there; else the trailer as it is.
func CutFirstSeen(trailer, scratch []byte) (own []byte, f FirstSeen, ok bool) {
	if len(trailer) < 3 || trailer[0] <= 0x80 || trailer[0] > 0x8f || trailer[1] != keyFirstSeen {
		return trailer, FirstSeen{}, false
	}
	var n uint64
	rest, ok := cutNumber(trailer[2:], &n)
	if !ok || n > 1<<62 {
		return trailer, FirstSeen{}, false
	}
	f.Time = int64(n)
	entries := trailer[0] - 1
	if entries == 0x81 && len(rest) == 2 && rest[0] == keyBare && rest[1] == 0xc3 {
		f.Bare = true
		return nil, f, true
	}
	if entries == 0x80 {
		if len(rest) > 0 {
			return trailer, FirstSeen{}, false
		}
		return nil, f, true
	}
	return append(append(scratch[:0], entries), rest...), f, true
}

// binaryValue returns the binary under a key of a trailer.
func binaryValue(trailer []byte, want uint64) (value []byte, ok bool, err error) {
	if len(trailer) == 0 {
		return nil, false, nil
	}
	n, b, good := cutMapLen(trailer)
	for i := uint64(0); good && i < n; i++ {
		var key uint64
		var negative bool
		if key, negative, b, good = cutInteger(b); !good {
			break
		}
		rest, skipped := skipValue(b, maxDepth)
		if good = skipped; good && !negative && key == want {
			value, good = binaryBody(b[:len(b)-len(rest)])
		}
		b = rest
	}
	if !good || len(b) > 0 {
		return nil, false, ErrTrailer
	}
	return value, value != nil, nil
}

// binaryBody returns the bytes of a msgpack binary of less than 256 bytes.
func binaryBody(b []byte) ([]byte, bool) {
	if len(b) < 2 || b[0] != 0xc4 {
		return nil, false
	}
	return b[2:], true
}
