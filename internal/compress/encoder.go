// Package compress turns the values of records into contents and back: into what
// package protocol says that begins with a mark, where they are compressed.
package compress

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/beckmesh/beck/protocol"
)

// minValue is how long a value is at least for it to be worth a try: a shorter
// one hardly gets shorter by more than the mark that it gets.
const minValue = 64

// maxEncoders bounds how many values a Zstandard encoder has in work at a time,
// each with a megabyte of tables; more callers wait.
const maxEncoders = 4

// Encoder compresses values. It may be used by several goroutines at a time.
type Encoder struct {
	as   protocol.Compression
	zstd *zstd.Encoder
}

// NewEncoder returns an encoder for one compression. Plain, or one that is not
// known, is an error.
func NewEncoder(as protocol.Compression) (*Encoder, error) {
	e := &Encoder{as: as}
	switch as {
	case protocol.S2:
		return e, nil
	case protocol.Zstd:
		var err error
		e.zstd, err = zstd.NewWriter(nil,
			zstd.WithEncoderConcurrency(min(runtime.GOMAXPROCS(0), maxEncoders)),
			zstd.WithEncoderCRC(false)) // the record has one
		return e, err
	}
	return nil, fmt.Errorf("%w: %d", ErrUnknown, as)
}

// Append appends what to send for a value to dst, mark and all, and says how it is
// compressed. Where the value is short, or does not get shorter, that is Plain and
// nothing is appended: then what [Plain] returns is to be sent.
func (e *Encoder) Append(dst, value []byte) ([]byte, protocol.Compression) {
	if len(value) < minValue {
		return dst, protocol.Plain
	}
	from := len(dst)
	longer := protocol.AppendMark(dst, e.as)
	if e.as == protocol.Zstd {
		longer = e.zstd.EncodeAll(value, longer)
	} else {
		longer = slices.Grow(longer, s2.MaxEncodedLen(len(value)))
		longer = longer[:len(longer)+len(s2.Encode(longer[len(longer):cap(longer)], value))]
	}
	if len(longer)-from >= len(value) {
		return longer[:from], protocol.Plain
	}
	return longer, e.as
}

// Plain returns what to send for a value that is not compressed: the value itself
// unless it begins as a mark does.
func Plain(value []byte) []byte {
	if !protocol.NeedsMark(value) {
		return value
	}
	return append(protocol.AppendMark(make([]byte, 0, protocol.MarkLen+len(value)), protocol.Plain), value...)
}
