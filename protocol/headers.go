package protocol

// AppendHeader appends one header to dst, for RecordTrailer.Headers:
//
//	92 | str name | bin value
func AppendHeader(dst []byte, name string, value []byte) []byte {
	dst = append(appendStrLen(append(dst, 0x92), len(name)), name...)
	return append(appendBinLen(dst, len(value)), value...)
}

// CutHeader takes the first header off RecordTrailer.Headers. ok is false if
// there is none. The slices alias b.
func CutHeader(b []byte) (name, value, rest []byte, ok bool) {
	n, b, ok := cutArrayLen(b)
	if !ok || n != 2 {
		return nil, nil, nil, false
	}
	if name, b, ok = cutBytes(b); !ok {
		return nil, nil, nil, false
	}
	value, rest, ok = cutBytes(b)
	return name, value, rest, ok
}

// parseHeaders checks the headers at the front of b, every one of them, so that
// CutHeader cannot fail half way.
func (t *RecordTrailer) parseHeaders(b []byte) ([]byte, bool) {
	n, b, ok := cutArrayLen(b)
	if !ok || n > MaxHeaders {
		return nil, false
	}
	rest, size := b, 0
	for range n {
		var name, value []byte
		if name, value, rest, ok = CutHeader(rest); !ok {
			return nil, false
		}
		size += len(name) + len(value)
	}
	end := len(b) - len(rest)
	t.Headers, t.HeaderCount = b[:end:end], int(n)
	return rest, size <= MaxHeaderBytes
}

// cutArrayLen reads the start of an array: how many values follow.
func cutArrayLen(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	c := b[0]
	switch b = b[1:]; {
	case c >= 0x90 && c < 0xa0:
		return uint64(c & 0x0f), b, true
	case c == 0xdc:
		return cutUint(b, 2)
	case c == 0xdd:
		return cutUint(b, 4)
	}
	return 0, nil, false
}

// cutBytes reads a binary or a string. What is there is never nil, and nil is
// msgpack's nil.
func cutBytes(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	c, n := b[0], uint64(0)
	switch b = b[1:]; {
	case c >= 0xa0 && c < 0xc0:
		n, ok = uint64(c&0x1f), true
	case c == 0xc0:
		return nil, b, true
	case c >= 0xc4 && c <= 0xc6:
		n, b, ok = cutUint(b, 1<<(c-0xc4))
	case c >= 0xd9 && c <= 0xdb:
		n, b, ok = cutUint(b, 1<<(c-0xd9))
	}
	if !ok || n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

func appendBinLen(dst []byte, n int) []byte {
	switch {
	case n < 1<<8:
		return append(dst, 0xc4, byte(n))
	case n < 1<<16:
		return append(dst, 0xc5, byte(n>>8), byte(n))
	}
	return append(dst, 0xc6, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendStrLen(dst []byte, n int) []byte {
	switch {
	case n < 32:
		return append(dst, 0xa0|byte(n))
	case n < 1<<8:
		return append(dst, 0xd9, byte(n))
	case n < 1<<16:
		return append(dst, 0xda, byte(n>>8), byte(n))
	}
	return append(dst, 0xdb, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendArrayLen(dst []byte, n int) []byte {
	if n < 16 {
		return append(dst, 0x90|byte(n))
	}
	return append(dst, 0xdc, byte(n>>8), byte(n))
}
