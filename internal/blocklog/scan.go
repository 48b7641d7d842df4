package blocklog

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// errEnough, returned by what is called for each of something, ends that without
// an error.
var errEnough = errors.New("enough")

// eachOf calls f with all keys of s and their values: see eachKey.
func (l *Log) eachOf(s space, f func(key, value []byte) error) error {
	lower, upper := s.bounds()
	return eachKey(l.db, lower, upper, f)
}

// eachKey calls f with the keys within [lower, upper) and their values, in order,
// until it returns an error. Both are valid during the call only.
func eachKey(r pebble.Reader, lower, upper []byte, f func(key, value []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = f(it.Key(), value)
		}
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return it.Error()
}
