package blocklog

import (
	"bytes"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// State is what a partition holds. The sequences held lie within [Tail, Next),
// not necessarily all of it; Next == Tail means none.
type State struct {
	Tail    uint64 // lowest sequence that may be held; it only rises
	Next    uint64 // behind the highest one: the next to be appended
	Records uint64 // records written, those in quarantine included
	Bytes   uint64 // encoded bytes of their blocks
	Updated int64  // time of the last commit, ms since 1970
}

// stateVersion is the version that states are written in.
const stateVersion = 1

// state is a [State] as it is stored: a msgpack map with the keys v (version),
// tail, next, records, bytes, updated. Keys that are not known here, of a
// version that adds some without a new number, are kept and written again.
type state struct {
	State
	extra  []byte // encoded keys and values, one behind the other
	extras int    // how many
}

// field is a known key of the map.
type field struct {
	key   string
	value uint64
}

// fields lists the known keys in the order in which they are written.
func (s *state) fields() [6]field {
	return [...]field{
		{"v", stateVersion}, {"tail", s.Tail}, {"next", s.Next},
		{"records", s.Records}, {"bytes", s.Bytes}, {"updated", uint64(s.Updated)},
	}
}

// encode appends s to buf.
func (s *state) encode(buf *bytes.Buffer) error {
	enc := msgpack.GetEncoder()
	defer msgpack.PutEncoder(enc)
	enc.Reset(buf)
	fields := s.fields()
	if err := enc.EncodeMapLen(len(fields) + s.extras); err != nil {
		return err
	}
	for _, f := range fields {
		if err := enc.EncodeString(f.key); err != nil {
			return err
		}
		if err := enc.EncodeUint(f.value); err != nil {
			return err
		}
	}
	_, err := buf.Write(s.extra)
	return err
}

// parseState decodes a state. It returns [ErrFormat] for a newer version.
func parseState(raw []byte) (state, error) {
	s, version, err := decodeState(raw)
	switch {
	case err != nil:
		return state{}, fmt.Errorf("partition state: %w", err)
	case version > stateVersion:
		return state{}, fmt.Errorf("%w: state version %d, known is %d", ErrFormat, version, stateVersion)
	case s.Tail > s.Next:
		return state{}, fmt.Errorf("partition state: tail %d above next %d", s.Tail, s.Next)
	}
	return s, nil
}

func decodeState(raw []byte) (s state, version uint64, err error) {
	in := bytes.NewReader(raw)
	dec := msgpack.NewDecoder(in)
	n, err := dec.DecodeMapLen()
	if err != nil {
		return s, 0, err
	}
	for range n {
		start := len(raw) - in.Len()
		key, err := dec.DecodeString()
		if err != nil {
			return s, 0, err
		}
		known, err := s.decodeValue(dec, key, &version)
		if err != nil {
			return s, 0, fmt.Errorf("key %q: %w", key, err)
		}
		if !known {
			s.extra = append(s.extra, raw[start:len(raw)-in.Len()]...)
			s.extras++
		}
	}
	return s, version, nil
}

// decodeValue reads the value of key, or skips it and returns false.
func (s *state) decodeValue(dec *msgpack.Decoder, key string, version *uint64) (known bool, err error) {
	switch key {
	case "v":
		*version, err = dec.DecodeUint64()
	case "tail":
		s.Tail, err = dec.DecodeUint64()
	case "next":
		s.Next, err = dec.DecodeUint64()
	case "records":
		s.Records, err = dec.DecodeUint64()
	case "bytes":
		s.Bytes, err = dec.DecodeUint64()
	case "updated":
		s.Updated, err = dec.DecodeInt64()
	default:
		return false, dec.Skip()
	}
	return true, err
}
