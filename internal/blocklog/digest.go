package blocklog

import "fmt"

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
// whose tail is lower compares [Log.DigestRange] of the same range; if they
// differ, halving it leads to the grain. What is missing adds nothing: of two
// stores that differ, one may have a hole.
//
// It finds differences that happen, not those that are made: it is not a
// cryptographic hash.
func (l *Log) Digest(p Partition, at uint64) (digest uint64, ok bool) {
	s, _ := l.State(p)
	from, to := s.DigestRange()
	if at%GrainRecords != 0 || at <= from || at > to {
		return 0, false
	}
	digest, err := l.DigestRange(p, from, at)
	return digest, err == nil
}

// DigestRange returns the digest of what a partition holds within [from, to),
// two multiples of [GrainRecords] that lie within the range of its state's
// digest. It reads about 60 bytes for each 4,096 records between one of them and
// the nearer end of that. Errors: [ErrRange] and those of the disk.
func (l *Log) DigestRange(p Partition, from, to uint64) (digest uint64, err error) {
	if err := l.enter(); err != nil {
		return 0, err
	}
	defer l.leave()
	for range maxAttempts {
		s, changes, _ := l.look(p)
		digest, err = l.sumDigests(p, &s, from, to)
		now, changed, _ := l.look(p)
		if err != nil || changed == changes && now.Tail == s.Tail {
			break
		}
		err = fmt.Errorf("%w: it keeps changing", ErrRange)
	}
	if err != nil {
		return 0, fmt.Errorf("blocklog: digest of %v from %d to %d: %w", p, from, to, err)
	}
	return digest, nil
}

func (l *Log) sumDigests(p Partition, s *state, from, to uint64) (digest uint64, err error) {
	low, high := s.DigestRange()
	if from%GrainRecords != 0 || to%GrainRecords != 0 || from < low || to > high || from > to {
		return 0, fmt.Errorf("%w: digests are known from %d to %d", ErrRange, low, high)
	}
	add := func(_ uint64, g sums) bool { digest += g.digest; return true }
	if to-from <= (from-low)+(high-to) {
		err = l.eachGrain(p, grainOf(from), grainOf(to), add)
		return digest, err
	}
	// Less is outside than inside.
	err = l.eachGrain(p, grainOf(low), grainOf(from), add)
	if err == nil {
		err = l.eachGrain(p, grainOf(to), grainOf(high), add)
	}
	return s.Digest - digest, err
}
