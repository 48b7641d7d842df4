package format

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"unicode/utf8"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/jsonl"
)

// bytesToken is a token that prints the bytes that get returns; where nullable, and
// asked for, it prints NULL for none.
func bytesToken(get func(*beck.Record) []byte, nullable bool) token {
	return func(p *parser, mod string, has bool) (piece, error) {
		print, err := bytesPrinter(mod, has)
		if err != nil {
			return nil, err
		}
		null := p.null && nullable
		return func(dst []byte, r *beck.Record) []byte {
			b := get(r)
			if null && len(b) == 0 {
				return append(dst, nullText...)
			}
			return print(dst, b)
		}, nil
	}
}

// stringToken is bytesToken for text.
func stringToken(get func(*beck.Record) string) token {
	return func(_ *parser, mod string, has bool) (piece, error) {
		print, err := bytesPrinter(mod, has)
		if err != nil {
			return nil, err
		}
		if !has {
			return func(dst []byte, r *beck.Record) []byte { return append(dst, get(r)...) }, nil
		}
		return func(dst []byte, r *beck.Record) []byte { return print(dst, []byte(get(r))) }, nil
	}
}

func bytesPrinter(mod string, has bool) (func(dst, b []byte) []byte, error) {
	switch {
	case !has:
		return func(dst, b []byte) []byte { return append(dst, b...) }, nil
	case mod == "hex":
		return hex.AppendEncode, nil
	case mod == "base64":
		return base64.StdEncoding.AppendEncode, nil
	case mod == "json":
		return appendJSON, nil
	}
	return nil, fmt.Errorf("{%s} is no modifier of bytes: want {hex}, {base64} or {json}", mod)
}

// appendJSON appends b as a JSON value that says all of it.
func appendJSON(dst, b []byte) []byte {
	switch {
	case b == nil:
		return append(dst, "null"...)
	case utf8.Valid(b):
		return jsonl.AppendString(dst, b)
	}
	dst = append(dst, `{"base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, `"}`...)
}
