package protocol

// Keys of the trailer map that this version reads. A key once given a meaning
// keeps it for ever: nodes of all ages share a mesh.
const (
	keyLowest    = 8  // lowest sequence the sender can serve
	keyTail      = 10 // retention tail: what is below has expired
	keyDigest    = 11 // [sequence, digest]: the contents from the tail to there, summed up
	keyEndOfList = 12 // the list of heads is complete
	keyPurged    = 13 // what is below was deleted by hand, everywhere
	keyQuestion  = 14 // see [Question]
	keySums      = 15 // see [Sums]
	keyFirstSeen = 16 // see [FirstSeen]
	keyBare      = 17 // see [FirstSeen]
	keyLookup    = 18 // a time, ms since 1970: GET-HEADS asks where it begins
	keyBegins    = 19 // the sequence at which it does
)

// Trailer is the part of beck's extension map that HEAD and DIRECT-HEAD use, and
// the GET-HEADS that asks for a time. On the wire:
//
//	+----+---------------+----------------+-----------------+---------+----------------+
//	| 8n | 08 lowest     | 0A tail        | 0B 92 at digest | 0C C3   | 0D purged      |
//	+----+---------------+----------------+-----------------+---------+----------------+
//	 map   if HasLowest    if HasTail       if DigestAt > 0   if End    if Purged > 0
//	     +---------------+----------------+
//	     | 12 time       | 13 begins      |
//	     +---------------+----------------+
//	       if Time > 0     if HasBegins
//
// Numbers have msgpack's shortest form, keys ascend. The zero Trailer is no
// bytes at all.
type Trailer struct {
	Lowest    uint64 // lowest sequence that the sender can serve, when HasLowest
	Tail      uint64 // retention tail of a store, when HasTail
	HasLowest bool
	HasTail   bool
	EndOfList bool   // no more heads follow in answer to a GET-HEADS
	DigestAt  uint64 // sequence up to which Digest sums up a store's contents; 0: it says none
	Digest    uint64
	Purged    uint64 // what is below was purged, which binds every store; 0: nothing was
	Time      uint64 // ms since 1970, that is asked for or was; 0: none
	Begins    uint64 // where Time begins, when HasBegins: the first sequence seen then or later, or behind the head
	HasBegins bool
}

// Append appends the trailer to dst, which is frame 0 of any message but ACK.
// Nothing is appended when the trailer says nothing.
func (t Trailer) Append(dst []byte) []byte {
	n := byte(0)
	for _, has := range [...]bool{t.HasLowest, t.HasTail, t.DigestAt > 0, t.EndOfList, t.Purged > 0, t.Time > 0, t.HasBegins} {
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
	if t.DigestAt > 0 {
		dst = appendUint(appendUint(append(dst, keyDigest, 0x92), t.DigestAt), t.Digest)
	}
	if t.EndOfList {
		dst = append(dst, keyEndOfList, 0xc3)
	}
	if t.Purged > 0 {
		dst = appendUint(append(dst, keyPurged), t.Purged)
	}
	if t.Time > 0 {
		dst = appendUint(append(dst, keyLookup), t.Time)
	}
	if t.HasBegins {
		dst = appendUint(append(dst, keyBegins), t.Begins)
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
		t.HasLowest = true
		return cutNumber(b, &t.Lowest)
	case keyTail:
		t.HasTail = true
		return cutNumber(b, &t.Tail)
	case keyDigest:
		if len(b) == 0 || b[0] != 0x92 {
			return nil, false
		}
		if b, ok = cutNumber(b[1:], &t.DigestAt); !ok {
			return nil, false
		}
		b, ok = cutNumber(b, &t.Digest)
		if t.DigestAt == 0 {
			t.Digest = 0 // the digest of nothing
		}
		return b, ok
	case keyEndOfList:
		if len(b) == 0 || b[0] != 0xc2 && b[0] != 0xc3 {
			return nil, false
		}
		t.EndOfList = b[0] == 0xc3
		return b[1:], true
	case keyPurged:
		return cutNumber(b, &t.Purged)
	case keyLookup:
		return cutNumber(b, &t.Time)
	case keyBegins:
		t.HasBegins = true
		return cutNumber(b, &t.Begins)
	}
	return skipValue(b, maxDepth)
}

// cutNumber cuts an integer that is not negative off b.
func cutNumber(b []byte, n *uint64) (rest []byte, ok bool) {
	var negative bool
	*n, negative, rest, ok = cutInteger(b)
	return rest, ok && !negative
}
