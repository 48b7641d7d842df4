package blocklog

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Digest returns the digest of a partition's contents from the first multiple
// of [GrainRecords] at or above its tail up to the multiple at; false if at is
// not one, or not above that and at or below the head ([State.DigestRange]), or
// if the sums cannot be read. State.Digest is that of the highest one.
//
// The digest of a range is the sum, modulo 2^64, of the digests of the records
// held in it, and the digest of a record is
//
//	z = xxhash64(content) + sequence * 0x9E3779B97F4A7C15
//	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
//	z = (z ^ z>>27) * 0x94D049BB133111EB
//	z ^ z>>31
//
// Trailers are left out, because a copy may lack them, and so is how records lie
// in blocks. It is a sum, and not a hash of hashes from 0 on, so that two stores
// can be compared whatever their tails are, whatever came late and whatever was
// never had: the digest of the range that both hold is the difference of two
// that each knows. With the other's tail, and its digest at a sequence, the one
// whose tail is lower compares [Log.Sums] of the same range; if they differ,
// halving it leads to the grain. What is missing adds nothing: of two stores
// that differ, one may have a hole, and have fewer records then.
//
// It finds differences that happen, not those that are made: it is not a
// cryptographic hash.
func (l *Log) Digest(p Partition, at uint64) (digest uint64, ok bool) {
	s, _ := l.State(p)
	from, to := s.DigestRange()
	if at%GrainRecords != 0 || at <= from || at > to {
		return 0, false
	}
	_, digest, err := l.Sums(p, from, at)
	return digest, err == nil
}

// Sums returns how many records a partition holds within [from, to) and their
// digest: two multiples of [GrainRecords] that lie within the range of its
// state's digest. Of two stores whose digests differ, the one with fewer records
// lacks some; if they have as many, at least one record differs. It reads about
// 60 bytes for each 4,096 records between one of them and the nearer end of that
// range. Errors: [ErrRange] and those of the disk.
func (l *Log) Sums(p Partition, from, to uint64) (records, digest uint64, err error) {
	if err := l.enter(); err != nil {
		return 0, 0, err
	}
	defer l.leave()
	// The state on disk, seen at once with the sums: the one in memory follows
	// only when they are synced.
	snapshot := l.db.NewSnapshot()
	s, err := storedState(snapshot, p)
	if err == nil {
		records, digest, err = s.sumsWithin(snapshot, p, from, to)
	}
	if err = errors.Join(err, snapshot.Close()); err != nil {
		return 0, 0, fmt.Errorf("blocklog: sums of %v from %d to %d: %w", p, from, to, err)
	}
	return records, digest, nil
}

// storedState reads the state of a partition; one that is not known is empty.
func storedState(r pebble.Reader, p Partition) (state, error) {
	raw, closer, err := r.Get(states.appendPrefix(nil, p))
	if errors.Is(err, pebble.ErrNotFound) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	s, err := parseState(raw)
	return s, errors.Join(err, closer.Close())
}

func (s *state) sumsWithin(r pebble.Reader, p Partition, from, to uint64) (records, digest uint64, err error) {
	low, high := s.DigestRange()
	if from%GrainRecords != 0 || to%GrainRecords != 0 || from < low || to > high || from > to {
		return 0, 0, fmt.Errorf("%w: sums are known from %d to %d", ErrRange, low, high)
	}
	var sum sums
	add := func(_ uint64, g sums) error { sum.add(g); return nil }
	if to-from <= (from-low)+(high-to) {
		err = eachGrain(r, p, grainOf(from), grainOf(to), add)
		return sum.records, sum.digest, err
	}
	// Less is outside than inside.
	err = eachGrain(r, p, grainOf(low), grainOf(from), add)
	if err == nil {
		err = eachGrain(r, p, grainOf(to), grainOf(high), add)
	}
	digest = s.Digest - sum.digest
	if err == nil { // the digest begins at low, the records at the tail
		err = eachGrain(r, p, grainOf(s.Tail), grainOf(low), add)
	}
	return s.Records - s.open.records - sum.records, digest, err
}
