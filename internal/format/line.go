package format

import "github.com/beckmesh/beck"

// Line returns the format of a value with delim behind it and, where withKey, the
// key and keyDelim before it. With null it prints "NULL" as Parse says.
func Line(keyDelim []byte, withKey bool, delim []byte, null bool) *Format {
	field := func(dst, b []byte) []byte {
		if null && len(b) == 0 {
			return append(dst, nullText...)
		}
		return append(dst, b...)
	}
	return &Format{[]piece{func(dst []byte, r *beck.Record) []byte {
		if withKey {
			dst = append(field(dst, r.Key), keyDelim...)
		}
		return append(field(dst, r.Value), delim...)
	}}}
}
