package protocol

import "encoding/binary"

// maxDepth is how many arrays and maps may lie in one another inside a value
// that is skipped.
const maxDepth = 8

// msgpackForm says how the bytes behind a type byte of 0xC0 to 0xDF are counted.
type msgpackForm struct {
	length uint8 // bytes of length field: 0, 1, 2 or 4
	fixed  uint8 // bytes besides the counted ones
	per    uint8 // what the length counts: 0 bytes, 1 array elements, 2 map pairs
	bad    bool  // the one type byte that msgpack leaves unused
}

var msgpackForms = [32]msgpackForm{
	0x00: {},                                                // nil
	0x01: {bad: true},                                       //
	0x02: {},                                                // false
	0x03: {},                                                // true
	0x04: {length: 1}, 0x05: {length: 2}, 0x06: {length: 4}, // bin
	0x07: {length: 1, fixed: 1}, 0x08: {length: 2, fixed: 1}, 0x09: {length: 4, fixed: 1}, // ext
	0x0a: {fixed: 4}, 0x0b: {fixed: 8}, // float
	0x0c: {fixed: 1}, 0x0d: {fixed: 2}, 0x0e: {fixed: 4}, 0x0f: {fixed: 8}, // uint
	0x10: {fixed: 1}, 0x11: {fixed: 2}, 0x12: {fixed: 4}, 0x13: {fixed: 8}, // int
	0x14: {fixed: 2}, 0x15: {fixed: 3}, 0x16: {fixed: 5}, 0x17: {fixed: 9}, 0x18: {fixed: 17}, // fixext
	0x19: {length: 1}, 0x1a: {length: 2}, 0x1b: {length: 4}, // str
	0x1c: {length: 2, per: 1}, 0x1d: {length: 4, per: 1}, // array
	0x1e: {length: 2, per: 2}, 0x1f: {length: 4, per: 2}, // map
}

// skipValue returns what follows the msgpack value at the front of b, and false
// when the value is incomplete, unknown, or nested deeper than depth.
func skipValue(b []byte, depth int) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	c := b[0]
	switch b = b[1:]; {
	case c < 0x80 || c >= 0xe0: // small integers
		return b, true
	case c < 0x90:
		return skipValues(b, 2*uint64(c&0x0f), depth)
	case c < 0xa0:
		return skipValues(b, uint64(c&0x0f), depth)
	case c < 0xc0:
		return skipBytes(b, uint64(c&0x1f))
	}
	f := msgpackForms[c&0x1f]
	n, b, ok := cutUint(b, int(f.length))
	switch {
	case f.bad || !ok:
		return nil, false
	case f.per > 0:
		return skipValues(b, n*uint64(f.per), depth)
	}
	return skipBytes(b, n+uint64(f.fixed))
}

// skipValues skips the n values inside an array or a map.
func skipValues(b []byte, n uint64, depth int) (_ []byte, ok bool) {
	if depth == 0 || n > uint64(len(b)) {
		return nil, false
	}
	for range n {
		if b, ok = skipValue(b, depth-1); !ok {
			return nil, false
		}
	}
	return b, true
}

func skipBytes(b []byte, n uint64) ([]byte, bool) {
	if n > uint64(len(b)) {
		return nil, false
	}
	return b[n:], true
}

// cutUint reads a big-endian number of 0, 1, 2, 4 or 8 bytes.
func cutUint(b []byte, size int) (n uint64, rest []byte, ok bool) {
	if len(b) < size {
		return 0, nil, false
	}
	switch size {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(b))
	case 4:
		n = uint64(binary.BigEndian.Uint32(b))
	case 8:
		n = binary.BigEndian.Uint64(b)
	}
	return n, b[size:], true
}

// cutInteger reads an integer in any of msgpack's encodings. A negative one has
// negative set and its magnitude is not told: beck uses none.
func cutInteger(b []byte) (n uint64, negative bool, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, false, nil, false
	}
	c := b[0]
	switch b = b[1:]; {
	case c < 0x80:
		return uint64(c), false, b, true
	case c >= 0xe0:
		return 0, true, b, true
	case c < 0xcc || c > 0xd3:
		return 0, false, nil, false
	}
	size := 1 << (c & 3) // 0xCC to 0xCF unsigned, 0xD0 to 0xD3 signed
	n, b, ok = cutUint(b, size)
	if c >= 0xd0 && n>>(8*size-1) != 0 {
		return 0, true, b, ok
	}
	return n, false, b, ok
}

// cutMapLen reads the start of a map: how many pairs follow, never more than
// there are bytes for.
func cutMapLen(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	c := b[0]
	switch b = b[1:]; {
	case c >= 0x80 && c < 0x90:
		n, rest, ok = uint64(c&0x0f), b, true
	case c == 0xde:
		n, rest, ok = cutUint(b, 2)
	case c == 0xdf:
		n, rest, ok = cutUint(b, 4)
	}
	return n, rest, ok && 2*n <= uint64(len(rest))
}

// appendUint appends n in the shortest of msgpack's encodings.
func appendUint(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<7:
		return append(dst, byte(n))
	case n < 1<<8:
		return append(dst, 0xcc, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcf), n)
}
