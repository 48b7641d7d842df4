package format

import (
	"fmt"

	"github.com/beckmesh/beck"
)

// recordTokens are the tokens of a record, headerTokens those within %h{…}.
var recordTokens, headerTokens map[byte]token

func init() { // headersToken needs headerTokens, which would be a loop of initializations
	key := func(r *beck.Record) []byte { return r.Key }
	value := func(r *beck.Record) []byte { return r.Value }
	valueLen := func(r *beck.Record) uint64 { return uint64(len(r.Value)) }
	recordTokens = map[byte]token{
		't': stringToken(func(r *beck.Record) string { return r.Topic }),
		'p': stringToken(func(r *beck.Record) string { return r.Partition }),
		'o': offsetToken,
		'k': bytesToken(key, true),
		'K': numberToken(func(r *beck.Record) uint64 { return length(r.Key) }),
		's': bytesToken(value, true),
		'v': bytesToken(value, true),
		'S': numberToken(valueLen),
		'V': numberToken(valueLen),
		'R': sizeToken,
		'h': headersToken,
		'H': numberToken(func(r *beck.Record) uint64 { return uint64(len(r.Headers)) }),
		'T': timeToken,
		'd': timeToken,
	}
	headerTokens = map[byte]token{
		'k': stringToken(func(r *beck.Record) string { return r.Headers[0].Name }),
		'K': numberToken(func(r *beck.Record) uint64 { return uint64(len(r.Headers[0].Name)) }),
		'v': bytesToken(func(r *beck.Record) []byte { return r.Headers[0].Value }, false),
		'V': numberToken(func(r *beck.Record) uint64 { return uint64(len(r.Headers[0].Value)) }),
	}
}

// headersToken is %h. What stands in its braces is a format of its own, whose
// pieces get a record with one header.
func headersToken(p *parser, mod string, has bool) (piece, error) {
	if !has {
		return appendHeaders, nil
	}
	inner := parser{text: mod, tokens: headerTokens}
	pieces, err := inner.parse()
	if err != nil {
		return nil, fmt.Errorf("in its braces: %w", err)
	}
	return func(dst []byte, r *beck.Record) []byte {
		one := beck.Record{}
		for i := range r.Headers {
			one.Headers = r.Headers[i : i+1]
			for _, p := range pieces {
				dst = p(dst, &one)
			}
		}
		return dst
	}, nil
}

// appendHeaders appends name=value with commas between.
func appendHeaders(dst []byte, r *beck.Record) []byte {
	for i := range r.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, r.Headers[i].Name...), '=')
		dst = append(dst, r.Headers[i].Value...)
	}
	return dst
}
