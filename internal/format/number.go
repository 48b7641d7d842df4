package format

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/beckmesh/beck"
)

// number appends n in one of its notations.
type number func(dst []byte, n uint64) []byte

// numbers are the notations of numbers by their modifiers. A negative number is
// given in two's complement.
var numbers = map[string]number{
	"ascii":    func(dst []byte, n uint64) []byte { return strconv.AppendInt(dst, int64(n), 10) },
	"hex":      func(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 16) },
	"hex8":     func(dst []byte, n uint64) []byte { return appendHex(dst, n, 2) },
	"hex16":    func(dst []byte, n uint64) []byte { return appendHex(dst, n, 4) },
	"hex32":    func(dst []byte, n uint64) []byte { return appendHex(dst, n, 8) },
	"hex64":    func(dst []byte, n uint64) []byte { return appendHex(dst, n, 16) },
	"big8":     func(dst []byte, n uint64) []byte { return append(dst, byte(n)) },
	"big16":    func(dst []byte, n uint64) []byte { return binary.BigEndian.AppendUint16(dst, uint16(n)) },
	"big32":    func(dst []byte, n uint64) []byte { return binary.BigEndian.AppendUint32(dst, uint32(n)) },
	"big64":    binary.BigEndian.AppendUint64,
	"little8":  func(dst []byte, n uint64) []byte { return append(dst, byte(n)) },
	"little16": func(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint16(dst, uint16(n)) },
	"little32": func(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint32(dst, uint32(n)) },
	"little64": binary.LittleEndian.AppendUint64,
}

const numberModifiers = "{ascii}, {hex}, {hex8} to {hex64}, {big8} to {big64} or {little8} to {little64}"

// numberToken is a token that prints the number that get returns, by default with
// the notation named.
func numberToken(get func(*beck.Record) uint64) token {
	return func(_ *parser, mod string, has bool) (piece, error) {
		if !has {
			mod = "ascii"
		}
		print, known := numbers[mod]
		if !known {
			return nil, fmt.Errorf("{%s} is no modifier of numbers: want %s", mod, numberModifiers)
		}
		return func(dst []byte, r *beck.Record) []byte { return print(dst, get(r)) }, nil
	}
}

// offsetToken prints offsets, which have all 64 bits.
func offsetToken(p *parser, mod string, has bool) (piece, error) {
	if !has || mod == "ascii" {
		return func(dst []byte, r *beck.Record) []byte { return strconv.AppendUint(dst, r.Offset, 10) }, nil
	}
	return numberToken(func(r *beck.Record) uint64 { return r.Offset })(p, mod, has)
}

// sizeToken is %R, whose notation is part of it.
func sizeToken(_ *parser, mod string, has bool) (piece, error) {
	if has {
		return nil, fmt.Errorf("{%s}: it takes no modifier; %%S does", mod)
	}
	return func(dst []byte, r *beck.Record) []byte {
		return binary.BigEndian.AppendUint32(dst, uint32(len(r.Value)))
	}, nil
}

// length is the length of b, -1 if there is none.
func length(b []byte) uint64 {
	if b == nil {
		return ^uint64(0)
	}
	return uint64(len(b))
}

// appendHex appends the lowest digits of n.
func appendHex(dst []byte, n uint64, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[n>>shift&15])
	}
	return dst
}
