package jsonl

import (
	"bytes"
	"encoding/base64"
	"errors"
)

var strict = base64.StdEncoding.Strict()

// decodeBase64 takes what Append writes: with padding, without line breaks, and
// nothing but zeros in the bits that are left over.
func decodeBase64(text []byte) ([]byte, error) {
	out := make([]byte, strict.DecodedLen(len(text)))
	n, err := strict.Decode(out, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, errors.New("no base64: want the standard alphabet, with padding")
	}
	return out[:n], nil
}
