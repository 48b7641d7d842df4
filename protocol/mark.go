package protocol

import "encoding/binary"

// Compression says how the content of a record is compressed.
type Compression uint8

// The compressions of contents. What is unknown is not to be taken for content.
const (
	Plain Compression = iota // it is not
	Zstd                     // one Zstandard frame, or several
	S2                       // one S2 block
)

// Content that is not the record's value as it is begins with a mark, so that it
// is understood where the trailer was lost:
//
//	+----+----+----+----+----+----+----+------+-----------------------+
//	| C1 | 62 | 65 | 63 | 6B | 0D | 0A | code | compressed value      |
//	+----+----+----+----+----+----+----+------+-----------------------+
//	      b    e    c    k    CR   LF    the Compression; 0: the value itself follows
//
// A value that begins with the first seven of these bytes, compressed or not, is
// sent behind a mark, so that no value is taken for something else. C1 begins
// neither UTF-8 text nor msgpack.
const (
	MarkLen  = 8
	markBits = 0xc16265636b0d0a
)

// Marked reports whether content begins with a mark, and the compression that it
// names: the value is then behind the first MarkLen bytes.
func Marked(content []byte) (c Compression, ok bool) {
	if len(content) < MarkLen || binary.BigEndian.Uint64(content)>>8 != markBits {
		return Plain, false
	}
	return Compression(content[MarkLen-1]), true
}

// NeedsMark reports whether a value cannot be sent as content as it is: it would
// be taken for one with a mark.
func NeedsMark(value []byte) bool {
	_, marked := Marked(value)
	return marked
}

// AppendMark appends the mark of a compression to dst; the compressed value, or
// for Plain the value, follows.
func AppendMark(dst []byte, c Compression) []byte {
	return binary.BigEndian.AppendUint64(dst, markBits<<8|uint64(c))
}
