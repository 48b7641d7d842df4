package format

import (
	"github.com/beckmesh/beck"
)

// Format prints records. It may be used by several goroutines.
type Format struct{ pieces []piece }

// piece appends its part of a record to dst.
type piece func(dst []byte, r *beck.Record) []byte

// nullText is what stands, where asked for, in the place of nothing.
const nullText = "NULL"

// Parse reads a format string. With null, %k, %s and %v print "NULL" where the key
// or value is missing or empty. An error names the token, its position in
// characters from 1, and what is allowed.
func Parse(text string, null bool) (*Format, error) {
	p := parser{text: text, tokens: recordTokens, null: null}
	pieces, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Format{pieces}, nil
}

// Append appends r, printed, to dst. It allocates nothing but what
// dst needs, and a few bytes a record for %h{…}.
func (f *Format) Append(dst []byte, r *beck.Record) []byte {
	for _, p := range f.pieces {
		dst = p(dst, r)
	}
	return dst
}
