package blocklog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
)

// seal is written with every commit. It tells a database from an older state of
// itself, or from one that lacks a part: Pebble takes a manifest or a last
// write-ahead log that is damaged for one that ends there, and a log that was cut
// to nothing for an empty one, since that is what a crash may leave.
//
//	+---------+--------+
//	| commits | states |
//	| 8       | 8      |
//	+---------+--------+
//
//	commits  how many there were. What is on disk beside Pebble's files says
//	         how many there have to be at least: see watermark
//	states   sum of the hashes of all partition states, modulo 2^64
type seal struct{ commits, states uint64 }

// sealKey leads to the seal.
var sealKey = []byte("s")

const sealLen = 16

func (s seal) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, s.commits)
	return binary.BigEndian.AppendUint64(dst, s.states)
}

// hashState returns the hash of a partition's state as it is stored.
func hashState(key, value []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(key) // never fails
	_, _ = d.Write(value)
	return d.Sum64()
}

// stateHash returns the hash of a partition's state, 0 if it has none.
func (l *Log) stateHash(p Partition) uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if q := l.parts[p]; q != nil {
		return q.hash
	}
	return 0
}

// loadSeal returns the seal; false if the database was last written to by a
// version that made none.
func (l *Log) loadSeal() (s seal, found bool, err error) {
	raw, closer, err := l.db.Get(sealKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return seal{}, false, nil
	}
	if err != nil {
		return seal{}, false, fmt.Errorf("seal: %w", err)
	}
	if len(raw) < sealLen {
		return seal{}, false, errors.Join(fmt.Errorf("seal of %d bytes", len(raw)), closer.Close())
	}
	s = seal{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:])}
	return s, true, closer.Close()
}

// checkSeal goes on with what is left, under a new UUID, if commits are missing:
// so may be what the store acknowledged under its old one.
func (l *Log) checkSeal() error {
	missing, err := l.compareSeal()
	if err != nil || missing == "" {
		return err
	}
	if err := l.disown(missing); err != nil {
		return err
	}
	if l.least > 0 { // somebody goes by the old one
		return fmt.Errorf("%w: %s", ErrLost, missing)
	}
	l.seal.commits = max(l.seal.commits, l.watermark.commits)
	return l.newChange().commit()
}

// compareSeal compares the states that were loaded with the seal, and the seal
// with the watermark. It returns what is missing and sets l.seal to what is there.
func (l *Log) compareSeal() (missing string, err error) {
	found, sealed, err := l.loadSeal()
	if err != nil {
		return "", err
	}
	l.seal = seal{commits: found.commits}
	for _, q := range l.parts {
		l.seal.states += q.hash
	}
	switch {
	case found.commits < max(l.watermark.commits, l.least):
		return fmt.Sprintf("%d commits were on disk, %d are left", max(l.watermark.commits, l.least), found.commits), nil
	case sealed && found.states != l.seal.states:
		return fmt.Sprintf("the states of %d partitions are not those of commit %d", len(l.parts), found.commits), nil
	}
	return "", nil
}

// disown gives the store a new UUID because records are missing.
func (l *Log) disown(missing string) error {
	was := l.home.UUID
	if !l.home.fresh {
		if err := l.home.renew(); err != nil {
			return err
		}
	}
	l.opts.Logger.Error("the disk lost records that were acknowledged: the store goes on with what is left, under a new address",
		"dir", l.home.Path, "missing", missing, "was", was, "address", l.home.UUID)
	return nil
}
