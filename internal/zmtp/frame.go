package zmtp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Flags of a frame, the first byte of its header.
const (
	// FlagMore marks a frame that another frame of the same message follows.
	FlagMore = 1
	// FlagLong marks a frame whose size takes eight bytes instead of one.
	FlagLong = 2
	// FlagCommand marks a frame that is a command and not part of a message.
	FlagCommand = 4
)

const (
	flagsKnown  = FlagMore | FlagLong | FlagCommand
	shortHeader = 2   // flags and one byte of size
	longHeader  = 9   // flags and eight bytes of size
	shortMax    = 255 // largest body with a short header
)

// ErrBadFrame is a frame header that no ZMTP 3 peer may send: a reserved flag,
// a command with more to follow, or a size of 2^63 and above. What follows such
// a header cannot be told apart, so the connection has to be closed.
var ErrBadFrame = errors.New("zmtp: bad frame header")

// AppendFrameHeader appends the header of a frame with a body of size bytes
// to dst and returns the extended slice. flags is FlagMore, FlagCommand or
// zero; FlagLong is set or cleared here as the size asks for it.
func AppendFrameHeader(dst []byte, flags byte, size int) []byte {
	if size <= shortMax {
		return append(dst, flags&^FlagLong, byte(size))
	}
	dst = append(dst, flags|FlagLong)
	return binary.BigEndian.AppendUint64(dst, uint64(size))
}

// AppendMessage appends one message of the given frames to dst and returns the
// extended slice. No frame at all appends nothing.
func AppendMessage(dst []byte, frames ...[]byte) []byte {
	for i, frame := range frames {
		var flags byte
		if i < len(frames)-1 {
			flags = FlagMore
		}
		dst = AppendFrameHeader(dst, flags, len(frame))
		dst = append(dst, frame...)
	}
	return dst
}

// parseFrameHeader reads the header at the start of b and returns the flags,
// the size of the body and the length n of the header itself, which is 0 while
// b does not hold all of it. A header is refused as soon as its flags are known
// to be wrong, so that where the bytes were split never changes the outcome.
func parseFrameHeader(b []byte) (flags byte, size uint64, n int, err error) {
	if len(b) == 0 {
		return 0, 0, 0, nil
	}
	flags = b[0]
	if flags&^flagsKnown != 0 || flags&(FlagCommand|FlagMore) == FlagCommand|FlagMore {
		return flags, 0, 0, fmt.Errorf("%w: flags %#02x", ErrBadFrame, flags)
	}
	if flags&FlagLong == 0 {
		if len(b) < shortHeader {
			return flags, 0, 0, nil
		}
		return flags, uint64(b[1]), shortHeader, nil
	}
	if len(b) < longHeader {
		return flags, 0, 0, nil
	}
	if size = binary.BigEndian.Uint64(b[1:longHeader]); size >= 1<<63 {
		return flags, 0, 0, fmt.Errorf("%w: size %d", ErrBadFrame, size)
	}
	return flags, size, longHeader, nil
}
