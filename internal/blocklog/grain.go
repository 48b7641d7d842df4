package blocklog

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/vmihailenco/msgpack/v5"
)

// GrainRecords is the number of sequences that a partition is summed up by:
// digests are known at every multiple of it. The sums of a grain let retention
// and comparison pass over it without reading its blocks.
//
//	sequence  0        4096       8192      ...   Next
//	          +----------+----------+-- ... --+----+
//	          | grain 0  | grain 1  |         |open|
//	          +----------+----------+-- ... --+----+
//
// The sums of the open grain, the one that Next lies in, are part of the state;
// those of the others have a key each, under the grain's first sequence. A
// [Builder] ends a block where a grain ends; blocks of the first format may
// lie across.
const GrainRecords = 4096

// grainOf returns the grain that a sequence lies in.
func grainOf(seq uint64) uint64 { return seq / GrainRecords }

// grainEnd returns the sequence behind a grain; the last grain ends at the
// sequence that no record can have.
func grainEnd(k uint64) uint64 {
	if end := (k + 1) * GrainRecords; end != 0 {
		return end
	}
	return math.MaxUint64
}

// wholeGrain returns the first grain that has no sequence below seq.
func wholeGrain(seq uint64) uint64 {
	k := grainOf(seq)
	if seq%GrainRecords != 0 {
		k++
	}
	return k
}

// sums is what a grain holds at or above its partition's tail.
type sums struct {
	records uint64
	content uint64 // bytes of the contents
	bytes   uint64 // encoded bytes of the blocks whose last record is in it
	blocks  uint64 // and their number
	newest  int64  // the latest time of a block, ms
	digest  uint64 // see Digest; without meaning if the tail lies in the grain
	bare    uint64 // records of bare blocks
}

func (s *sums) add(o sums) {
	s.records += o.records
	s.content += o.content
	s.bytes += o.bytes
	s.blocks += o.blocks
	s.digest += o.digest
	s.bare += o.bare
	s.newest = max(s.newest, o.newest)
}

// sub takes o away; newest remains a bound.
func (s *sums) sub(o sums) {
	s.records -= o.records
	s.content -= o.content
	s.bytes -= o.bytes
	s.blocks -= o.blocks
	s.digest -= o.digest
	s.bare -= min(s.bare, o.bare) // a version that does not know it may have left it out
}

// sum returns the sums of those records of b that lie within [from, to). The
// block itself counts where its last record lies.
func (b block) sum(from, to uint64) sums {
	s := sums{newest: b.time}
	if last := b.next() - 1; last >= from && last < to {
		s.bytes, s.blocks = uint64(b.len()), 1
	}
	if b, some := b.from(from); some && b.first < to {
		s.records = min(uint64(b.count), to-b.first)
		s.content, s.digest = sumRecords(b.records, b.first, s.records)
		if b.bare {
			s.bare = s.records
		}
	}
	return s
}

// sumRecords returns the length and the digest of n records.
func sumRecords(records []byte, seq, n uint64) (content, digest uint64) {
	for end := seq + n; seq < end; seq++ {
		c, _, rest, _ := cutRecord(records)
		content += uint64(len(c))
		digest += recordDigest(seq, c)
		records = rest
	}
	return content, digest
}

// recordDigest is the digest of one record: see [Log.Digest].
func recordDigest(seq uint64, content []byte) uint64 {
	z := xxhash.Sum64(content) + seq*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// sumsLen is the number of values of encoded sums; one more, bare, is there if it
// is not 0.
const sumsLen = 6

// append appends the sums as a msgpack array.
func (s *sums) append(dst []byte) []byte {
	n := byte(sumsLen)
	if s.bare > 0 {
		n++
	}
	dst = append(dst, 0x90|n)
	for _, v := range [sumsLen]uint64{s.records, s.content, s.bytes, s.blocks, uint64(s.newest), s.digest} {
		dst = appendUint(dst, v)
	}
	if s.bare > 0 {
		dst = appendUint(dst, s.bare)
	}
	return dst
}

// decode reads what append wrote; values that a later version put behind are
// skipped.
func (s *sums) decode(dec *msgpack.Decoder) error {
	n, err := dec.DecodeArrayLen()
	if err != nil {
		return err
	}
	if n < sumsLen {
		return fmt.Errorf("sums of %d values", n)
	}
	for _, v := range []*uint64{&s.records, &s.content, &s.bytes, &s.blocks} {
		if *v, err = dec.DecodeUint64(); err != nil {
			return err
		}
	}
	if s.newest, err = dec.DecodeInt64(); err != nil {
		return err
	}
	if s.digest, err = dec.DecodeUint64(); err != nil {
		return err
	}
	if n > sumsLen {
		if s.bare, err = dec.DecodeUint64(); err != nil {
			return err
		}
	}
	for range n - sumsLen - 1 {
		if err := dec.Skip(); err != nil {
			return err
		}
	}
	return nil
}

func parseSums(raw []byte) (s sums, err error) {
	dec := msgpack.GetDecoder()
	defer msgpack.PutDecoder(dec)
	dec.Reset(bytes.NewReader(raw))
	if err := s.decode(dec); err != nil {
		return sums{}, fmt.Errorf("sums: %w", err)
	}
	return s, nil
}

// closedGrain returns the sums of a grain that is not the open one.
func (l *Log) closedGrain(p Partition, k uint64) (sums, error) {
	raw, closer, err := l.db.Get(grains.appendKey(nil, p, k*GrainRecords))
	if errors.Is(err, pebble.ErrNotFound) {
		return sums{}, nil
	}
	if err != nil {
		return sums{}, err
	}
	s, err := parseSums(raw)
	return s, errors.Join(err, closer.Close())
}

// eachGrain calls f with the closed grains within [from, to) that hold anything,
// in order, until it returns an error.
func eachGrain(r pebble.Reader, p Partition, from, to uint64, f func(k uint64, g sums) error) error {
	if from >= to {
		return nil
	}
	lower, upper := grains.appendKey(nil, p, from*GrainRecords), grains.appendKey(nil, p, to*GrainRecords)
	return eachKey(r, lower, upper, func(key, raw []byte) error {
		g, err := parseSums(raw)
		if err != nil {
			return fmt.Errorf("grain at %d of %v: %w", keySeq(key), p, err)
		}
		return f(grainOf(keySeq(key)), g)
	})
}

// eachHeld calls f with all grains of a partition that hold anything at or above
// its tail, the open one of s last, until it returns an error.
func (l *Log) eachHeld(p Partition, s *state, f func(k uint64, g sums) error) error {
	enough := false
	err := eachGrain(l.db, p, grainOf(s.Tail), grainOf(s.Next), func(k uint64, g sums) error {
		err := f(k, g)
		enough = errors.Is(err, errEnough)
		return err
	})
	if err != nil || enough || s.open.records == 0 {
		return err
	}
	if err := f(grainOf(s.Next), s.open); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}
