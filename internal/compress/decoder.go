package compress

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/beckmesh/beck/protocol"
)

// Why a content cannot be read.
var (
	ErrUnknown  = errors.New("unknown compression")
	ErrBroken   = errors.New("compressed content is broken")
	ErrTooLarge = errors.New("value is too large")
)

// Decoder reads contents that begin with a mark. It may be used by several
// goroutines at a time.
type Decoder struct {
	limit int
	zstd  *zstd.Decoder
}

// usualWindow is what an encoder that does not know how much will come says it
// looks back, however little that is then. No memory is taken for it.
const usualWindow = 8 << 20

// NewDecoder returns a decoder of values of at most limit bytes, whatever their
// compressed form claims.
func NewDecoder(limit int) (*Decoder, error) {
	z, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(uint64(limit)),
		zstd.WithDecoderMaxWindow(uint64(max(limit, usualWindow))))
	return &Decoder{limit: limit, zstd: z}, err
}

// Value returns the value that content stands for; content itself where it has no
// mark, and a part of it where that says plain. Errors: [ErrUnknown], [ErrBroken],
// [ErrTooLarge].
func (d *Decoder) Value(content []byte) (value []byte, err error) {
	as, marked := protocol.Marked(content)
	if !marked {
		return content, nil
	}
	body := content[protocol.MarkLen:]
	switch {
	case as == protocol.Plain:
		return body, nil
	case as <= protocol.S2 && len(body) == 0:
		return nil, fmt.Errorf("%w: nothing behind the mark", ErrBroken)
	case as == protocol.Zstd:
		value, err = d.zstd.DecodeAll(body, nil)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, d.limit)
		}
	case as == protocol.S2:
		if n, err := s2.DecodedLen(body); err == nil && n > d.limit {
			return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, d.limit)
		}
		value, err = s2.Decode(nil, body)
	default:
		return nil, fmt.Errorf("%w: %d", ErrUnknown, as)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if value == nil { // of a frame of nothing: there is a value, an empty one
		value = []byte{}
	}
	return value, nil
}
