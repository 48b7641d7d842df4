package protocol

// Keys of the trailer map that this version reads. A key once given a meaning
// keeps it for ever: nodes of all ages share a mesh.
const (
	keyLowest    = 8  // lowest sequence the sender can serve
	keyTail      = 10 // retention tail: what is below has expired
	keyEndOfList = 12 // the list of heads is complete
)

// Trailer is the part of beck's extension map that this version uses, in HEAD
// and DIRECT-HEAD. On the wire:
//
//	+----+---------------+----------------+---------+
//	| 8n | 08 lowest     | 0A tail        | 0C C3   |
//	+----+---------------+----------------+---------+
//	 map   if HasLowest    if HasTail       if EndOfList
//
// Numbers have msgpack's shortest form, keys ascend. The zero Trailer is no
// bytes at all.
type Trailer struct {
	Lowest    uint64 // lowest sequence that the sender can serve, when HasLowest
	Tail      uint64 // retention tail of a store, when HasTail
	HasLowest bool
	HasTail   bool
	EndOfList bool // no more heads follow in answer to a GET-HEADS
}

// Append appends the trailer to dst, which is frame 0 of any message but ACK.
// Nothing is appended when the trailer says nothing.
func (t Trailer) Append(dst []byte) []byte {
	n := byte(0)
	for _, has := range [...]bool{t.HasLowest, t.HasTail, t.EndOfList} {
		if has {
			n++
		}
	}
	if n == 0 {
		return dst
	}
	dst = append(dst, 0x80|n)
	if t.HasLowest {
		dst = appendUint(append(dst, keyLowest), t.Lowest)
	}
	if t.HasTail {
		dst = appendUint(append(dst, keyTail), t.Tail)
	}
	if t.EndOfList {
		dst = append(dst, keyEndOfList, 0xc3)
	}
	return dst
}

// ParseTrailer reads what Parse left in Message.Trailer; no bytes are the zero
// Trailer. Numbers may have any of msgpack's integer encodings, unknown keys are
// skipped with values of any type up to 8 levels deep, and of a repeated key the
// last one counts. On [ErrTrailer] the message itself stands and the trailer is
// to be ignored. It allocates nothing.
func ParseTrailer(b []byte) (Trailer, error) {
	if len(b) == 0 {
		return Trailer{}, nil
	}
	n, b, ok := cutMapLen(b)
	if !ok {
		return Trailer{}, ErrTrailer
	}
	var t Trailer
	for range n {
		if b, ok = t.parseEntry(b); !ok {
			return Trailer{}, ErrTrailer
		}
	}
	if len(b) > 0 {
		return Trailer{}, ErrTrailer
	}
	return t, nil
}

// parseEntry reads one key and its value.
func (t *Trailer) parseEntry(b []byte) ([]byte, bool) {
	key, negative, b, ok := cutInteger(b)
	if !ok {
		return nil, false
	}
	if negative {
		return skipValue(b, maxDepth)
	}
	switch key {
	case keyLowest:
		t.Lowest, negative, b, ok = cutInteger(b)
		t.HasLowest = true
		return b, ok && !negative
	case keyTail:
		t.Tail, negative, b, ok = cutInteger(b)
		t.HasTail = true
		return b, ok && !negative
	case keyEndOfList:
		if len(b) == 0 || b[0] != 0xc2 && b[0] != 0xc3 {
			return nil, false
		}
		t.EndOfList = b[0] == 0xc3
		return b[1:], true
	}
	return skipValue(b, maxDepth)
}
