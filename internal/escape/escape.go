// Package escape reads the backslash escapes of flags that stand for bytes: an
// output format, a delimiter.
//
//	\n \t \r \0    newline, tab, carriage return, NUL
//	\\             a backslash
//	\xHH           the byte of two hexadecimal digits
//	\NNN           the byte of two or three octal digits, up to \377
package escape

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Allowed lists the escapes, for errors.
const Allowed = `\n \t \r \0 \\ \xHH \NNN (octal)`

// Bytes returns the bytes that text stands for. An error names the escape that is
// none, its position, counted in characters from 1, and what is allowed.
func Bytes(text string) ([]byte, error) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			out = append(out, text[i])
			i++
			continue
		}
		b, n := Cut(text[i:])
		if n == 0 {
			return nil, Error(text, i)
		}
		out = append(out, b)
		i += n
	}
	return out, nil
}

// Cut reads the escape that text, which begins with a backslash, begins with. It
// returns the byte meant and how much of text that took: 0 if it is no escape.
func Cut(text string) (b byte, n int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch c := text[1]; c {
	case 'n':
		return '\n', 2
	case 't':
		return '\t', 2
	case 'r':
		return '\r', 2
	case '\\':
		return '\\', 2
	case 'x':
		return number(text, 2, 4, 16)
	}
	end := 1
	for end < min(len(text), 4) && '0' <= text[end] && text[end] <= '7' {
		end++
	}
	if end == 1 || (end == 2 && text[1] != '0') { // \1 is more likely a mistake than a byte
		return 0, 0
	}
	return number(text, 1, end, 8)
}

// number reads text[from:end] as digits of one byte.
func number(text string, from, end, base int) (byte, int) {
	if end > len(text) {
		return 0, 0
	}
	v, err := strconv.ParseUint(text[from:end], base, 8)
	if err != nil {
		return 0, 0
	}
	return byte(v), end
}

// Error says that what stands at text[i:] is no escape.
func Error(text string, i int) error {
	bad := text[i:]
	if _, size := utf8.DecodeRuneInString(bad[1:]); len(bad) > 1+size {
		bad = bad[:1+size]
	}
	return fmt.Errorf("%s at position %d is no escape: want %s", bad, Position(text, i), Allowed)
}

// Position returns the place of byte i of text as errors name it: in characters
// from 1.
func Position(text string, i int) int { return utf8.RuneCountInString(text[:i]) + 1 }
