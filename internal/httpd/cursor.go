package httpd

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
)

// cursor is where in a topic's partitions a page begins or ends: for each that it
// names, the first offset behind that place. As text it is, in base64 for URLs,
//
//	{ address (16 bytes) offset (uvarint) } ...
type cursor map[string]uint64

// addressBytes is an address as bytes.
const addressBytes = 16

var errCursor = errors.New("it is none that was given with a page")

func (c cursor) String() string {
	var b []byte
	for _, id := range slices.Sorted(maps.Keys(c)) {
		address, _ := hex.DecodeString(id) // it is one
		b = binary.AppendUvarint(append(b, address...), c[id])
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(text string) (cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errCursor
	}
	c := make(cursor)
	for len(b) > 0 {
		if len(b) < addressBytes {
			return nil, errCursor
		}
		offset, n := binary.Uvarint(b[addressBytes:])
		if n <= 0 {
			return nil, errCursor
		}
		c[strings.ToUpper(hex.EncodeToString(b[:addressBytes]))] = offset
		b = b[addressBytes+n:]
	}
	return c, nil
}
