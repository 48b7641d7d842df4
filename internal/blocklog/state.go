package blocklog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/vmihailenco/msgpack/v5"
)

// State is what a partition holds. The sequences held lie within [Tail, Next),
// not necessarily all of it: if Records is less than Next - Tail, [Log.Holes]
// says where. Next == Tail means none.
type State struct {
	Tail    uint64 // lowest sequence that may be held; it only rises
	Next    uint64 // behind the highest one: the next to be appended
	Records uint64 // records held; those missing or in quarantine are not counted
	Content uint64 // bytes of their contents, without trailers
	Bytes   uint64 // encoded bytes of the blocks that hold them
	Blocks  uint64 // the number of these blocks
	Updated int64  // time of the last commit of records, ms since 1970
	// Emptied is when the partition lost its last record to retention or a
	// purge, or began without any, ms since 1970; 0 while it has records. The
	// state is a tombstone then: see [Options.TombstoneAge].
	Emptied int64
	// Purged is the sequence below which everything was purged, and PurgedAt
	// when, ms since 1970; 0 if nothing was. See [Log.Purge].
	Purged   uint64
	PurgedAt int64
	// Expired is the sequence below which nobody is to wait for what is not held:
	// where retention or a purge raised the tail, or higher if other stores said
	// that they dropped what never came here. See [Log.Expire].
	Expired uint64
	// Digest sums up the contents within [State.DigestRange]: what [Log.Digest]
	// returns for the end of it.
	Digest uint64
	// Bare is how many of the records may have lost their trailers: see
	// [Builder.Bare] and [Log.BareRanges].
	Bare uint64
}

// DigestRange returns the sequences that Digest covers: from the first multiple
// of [GrainRecords] at or above Tail to the last one at or below Next. They are
// equal if there is no digest.
func (s State) DigestRange() (from, to uint64) {
	end := grainOf(s.Next)
	return min(wholeGrain(s.Tail), end) * GrainRecords, end * GrainRecords
}

// stateVersion is the version that states are written in. Version 1 knew no
// trimming and no sums; a state of it is rebuilt from the blocks when the log
// is opened.
const stateVersion = 2

// state is a [State] as it is stored: a msgpack map with the keys v (version),
// tail, next, records, bytes, updated, and from version 2 on content, blocks,
// oldest, emptied, purged, purged_at, digest, expired, bare, open, of which those
// that are zero are left out. Keys that are not known here, of a version that adds
// some without a new number, are kept and written again.
type state struct {
	State
	// oldest is the time of the block at the tail, ms, or an earlier one; 0 is
	// unknown.
	oldest int64
	open   sums   // of the grain that Next lies in
	extra  []byte // encoded keys and values, one behind the other
	extras int    // how many
	stale  bool   // of version 1: to be rebuilt
}

// sub takes the sums of records that are no longer held away.
func (s *state) sub(o sums) {
	s.Records -= o.records
	s.Content -= o.content
	s.Bytes -= o.bytes
	s.Blocks -= o.blocks
	s.Bare -= min(s.Bare, o.bare)
}

// add counts records that are held from now on.
func (s *state) add(o sums) {
	s.Records += o.records
	s.Content += o.content
	s.Bytes += o.bytes
	s.Blocks += o.blocks
	s.Bare += o.bare
}

// uncount takes all records away.
func (s *state) uncount() {
	s.Records, s.Content, s.Bytes, s.Blocks, s.Digest, s.Bare = 0, 0, 0, 0, 0, 0
	s.oldest, s.open = 0, sums{}
}

// dense says whether nothing is missing.
func (s *state) dense() bool { return s.Records == s.Next-s.Tail }

// field is a known key of the map.
type field struct {
	key   string
	value uint64
	must  bool // written even if it is zero
}

// fields lists the known keys but open in the order in which they are written.
func (s *state) fields() [15]field {
	return [...]field{
		{"v", stateVersion, true}, {"tail", s.Tail, true}, {"next", s.Next, true},
		{"records", s.Records, true}, {"bytes", s.Bytes, true}, {"updated", uint64(s.Updated), true},
		{"content", s.Content, false}, {"blocks", s.Blocks, false}, {"oldest", uint64(s.oldest), false},
		{"emptied", uint64(s.Emptied), false}, {"purged", s.Purged, false},
		{"purged_at", uint64(s.PurgedAt), false}, {"digest", s.Digest, false},
		{"expired", s.Expired, false}, {"bare", s.Bare, false},
	}
}

// append appends the encoded state.
func (s *state) append(dst []byte) []byte {
	fields, n := s.fields(), s.extras
	for i := range fields {
		if fields[i].must || fields[i].value != 0 {
			n++
		}
	}
	if s.open != (sums{}) {
		n++
	}
	dst = appendMapLen(dst, n)
	for i := range fields {
		if f := &fields[i]; f.must || f.value != 0 {
			dst = appendUint(appendString(dst, f.key), f.value)
		}
	}
	if s.open != (sums{}) {
		dst = s.open.append(appendString(dst, "open"))
	}
	return append(dst, s.extra...)
}

// appendMapLen begins a msgpack map of n keys.
func appendMapLen(dst []byte, n int) []byte {
	switch {
	case n < 16:
		return append(dst, 0x80|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xde), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xdf), uint32(n))
}

// appendString appends a msgpack string of less than 32 bytes.
func appendString(dst []byte, s string) []byte {
	return append(append(dst, 0xa0|byte(len(s))), s...)
}

// appendUint appends a msgpack integer in its shortest form.
func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v < 1<<7:
		return append(dst, byte(v))
	case v <= math.MaxUint8:
		return append(dst, 0xcc, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcf), v)
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
	s.stale = version < stateVersion
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
	if u := s.unsigned(key, version); u != nil {
		*u, err = dec.DecodeUint64()
		return true, err
	}
	if i := s.signed(key); i != nil {
		*i, err = dec.DecodeInt64()
		return true, err
	}
	if key == "open" {
		return true, s.open.decode(dec)
	}
	return false, dec.Skip()
}

// unsigned returns where the number of a key goes, nil if it has none.
func (s *state) unsigned(key string, version *uint64) *uint64 {
	switch key {
	case "v":
		return version
	case "tail":
		return &s.Tail
	case "next":
		return &s.Next
	case "records":
		return &s.Records
	case "bytes":
		return &s.Bytes
	case "content":
		return &s.Content
	case "blocks":
		return &s.Blocks
	case "purged":
		return &s.Purged
	case "digest":
		return &s.Digest
	case "expired":
		return &s.Expired
	case "bare":
		return &s.Bare
	}
	return nil
}

// signed returns where the time of a key goes, nil if it has none.
func (s *state) signed(key string) *int64 {
	switch key {
	case "updated":
		return &s.Updated
	case "oldest":
		return &s.oldest
	case "emptied":
		return &s.Emptied
	case "purged_at":
		return &s.PurgedAt
	}
	return nil
}
