package jsonl

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// decodeBase64 takes what Append writes: with padding, without line breaks.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") { // which the decoder skips
		return nil, errors.New("no base64: want the standard alphabet, with padding")
	}
	return b, nil
}

// checkSurrogates looks for an escape \uD800 to \uDFFF that is not half of a pair.
func checkSurrogates(line []byte) error {
	for i := 0; ; {
		n := bytes.IndexByte(line[i:], '\\')
		if n < 0 {
			return nil
		}
		i += n
		switch unit := utf16Unit(line[i:]); {
		case unit < 0xd800 || unit > 0xdfff:
			i += 2 // of which the second may be a backslash
		case unit < 0xdc00 && isLow(utf16Unit(line[i+6:])):
			i += 12
		default:
			return fmt.Errorf("byte %d: %s is half of a character: want \\uD800 to \\uDBFF followed by \\uDC00 to \\uDFFF", i+1, line[i:i+6])
		}
		if i > len(line) {
			return nil // the decoder says what is wrong with a line that ends so
		}
	}
}

func isLow(unit int) bool { return 0xdc00 <= unit && unit <= 0xdfff }

// utf16Unit returns what the \uHHHH stands for that b begins with; -1 if there is
// none.
func utf16Unit(b []byte) int {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}
