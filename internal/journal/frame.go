package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// frameHeader is the length of a frame's header. The package's comment draws
// the bytes.
const frameHeader = 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crc(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// frameHead is a frame's header.
type frameHead struct {
	sum     uint32 // of the entries
	length  uint32 // of the entries
	durable int64  // what was on disk when the frame was written
}

// sealFrame fills in the header of a frame whose entries are complete.
func sealFrame(frame []byte, salt uint64, offset, durable int64) {
	body := frame[frameHeader:]
	binary.BigEndian.PutUint32(frame[4:], crc(body))
	binary.BigEndian.PutUint32(frame[8:], uint32(len(body)))
	binary.BigEndian.PutUint64(frame[12:], uint64(durable))
	binary.BigEndian.PutUint32(frame, headSum(frame, salt, offset))
}

// headSum is the checksum of a frame's header. With the offset in it, the
// bytes mean nothing at any other place; see [segment] for the salt.
func headSum(frame []byte, salt uint64, offset int64) uint32 {
	var b [frameHeader - 4 + 16]byte
	binary.BigEndian.PutUint64(b[:], salt)
	binary.BigEndian.PutUint64(b[8:], uint64(offset))
	copy(b[16:], frame[4:frameHeader])
	return crc(b[:])
}

// parseFrameHead parses the header at the start of b, which has at least
// frameHeader bytes and lies at offset in its file.
func parseFrameHead(b []byte, salt uint64, offset int64) (frameHead, bool) {
	h := frameHead{
		sum:     binary.BigEndian.Uint32(b[4:]),
		length:  binary.BigEndian.Uint32(b[8:]),
		durable: int64(binary.BigEndian.Uint64(b[12:])),
	}
	// The cheap comparisons first: a search for headers tries every offset.
	ok := h.durable > 0 && h.durable <= offset && h.length > 0 &&
		binary.BigEndian.Uint32(b) == headSum(b, salt, offset)
	return h, ok
}
