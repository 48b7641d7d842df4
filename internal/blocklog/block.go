package blocklog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
)

// A block holds consecutive records of one partition. Integers are big-endian.
//
//	 0       1       2       10      14      22                 n-4      n
//	+-------+-------+-------+-------+-------+--------- ... -----+--------+
//	|version| flags | first | count | time  | count records     | CRC32C |
//	| 1     | 1     | 8     | 4     | 8     |                   | 4      |
//	+-------+-------+-------+-------+-------+--------- ... -----+--------+
//
//	first  sequence of the first record
//	count  number of records, at least 1
//	time   when the store saw the block first, ms since 1970, for retention
//	flags  hints; readers ignore what they do not know. 1: bare, the records
//	       may have lost their trailers; see Builder.Bare
//	CRC32C Castagnoli, of all bytes before it; it is the last four bytes in
//	       every version, so that damage is told from a newer version
//
// A record has no sequence of its own:
//
//	+-------+-----------------------+-------------+---------+---------+
//	| flags | trailer length        | content     | trailer | content |
//	| 1     | uvarint, if flags & 1 | length, uv. |         |         |
//	+-------+-----------------------+-------------+---------+---------+
const (
	blockVersion  = 1
	headerLen     = 22
	crcLen        = 4
	blockOverhead = headerLen + crcLen

	// flagBare in a block's flags.
	flagBare = 1

	// flagTrailer in a record's flags: it has a trailer. The others are
	// reserved and would change the layout.
	flagTrailer = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func crc(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// What is wrong with a block.
var (
	errShort  = errors.New("shorter than a block")
	errSum    = errors.New("checksum does not match")
	errRange  = errors.New("sequences out of range")
	errRecord = errors.New("record runs out of the block")
	errLayout = errors.New("record count does not match the bytes")
	errKey    = errors.New("block lies under another sequence's key")
)

// block is a parsed block; records aliases the bytes that were parsed.
type block struct {
	first   uint64
	count   uint32
	time    int64
	bare    bool
	records []byte
}

// next returns the sequence behind the last record.
func (b block) next() uint64 { return b.first + uint64(b.count) }

// len returns the encoded length.
func (b block) len() int { return blockOverhead + len(b.records) }

// encode writes b to dst, which must have b.len() bytes.
func (b block) encode(dst []byte) {
	dst[0], dst[1] = blockVersion, 0
	if b.bare {
		dst[1] = flagBare
	}
	binary.BigEndian.PutUint64(dst[2:], b.first)
	binary.BigEndian.PutUint32(dst[10:], b.count)
	binary.BigEndian.PutUint64(dst[14:], uint64(b.time))
	n := headerLen + copy(dst[headerLen:], b.records)
	binary.BigEndian.PutUint32(dst[n:], crc(dst[:n]))
}

// parseBlock checks raw as a whole, every record's bounds included, so that
// visiting a parsed block cannot fail half way. An error is [ErrFormat] for an
// intact block of a newer version, otherwise it says what is damaged.
func parseBlock(raw []byte) (block, error) {
	n := len(raw) - crcLen
	if n < headerLen {
		return block{}, errShort
	}
	if crc(raw[:n]) != binary.BigEndian.Uint32(raw[n:]) {
		return block{}, errSum
	}
	if v := raw[0]; v != blockVersion {
		return block{}, fmt.Errorf("%w: block version %d, known is %d", ErrFormat, v, blockVersion)
	}
	b := block{
		first:   binary.BigEndian.Uint64(raw[2:]),
		count:   binary.BigEndian.Uint32(raw[10:]),
		time:    int64(binary.BigEndian.Uint64(raw[14:])),
		bare:    raw[1]&flagBare != 0,
		records: raw[headerLen:n:n],
	}
	return b, b.check()
}

// check walks over the records without looking into them.
func (b block) check() error {
	if b.count == 0 || uint64(b.count) > math.MaxUint64-b.first {
		return errRange
	}
	rest := b.records
	for range b.count {
		_, _, tail, ok := cutRecord(rest)
		if !ok {
			return errRecord
		}
		rest = tail
	}
	if len(rest) > 0 {
		return errLayout
	}
	return nil
}

// visit calls f with the records from sequence from on, until f returns false;
// it returns whether f never did. The slices alias the block.
func (b block) visit(from uint64, f func(Record) bool) bool {
	rest, r := b.records, Record{FirstSeen: b.time, Bare: b.bare}
	for r.Seq = b.first; r.Seq < b.next(); r.Seq++ {
		r.Content, r.Trailer, rest, _ = cutRecord(rest)
		if r.Seq >= from && !f(r) {
			return false
		}
	}
	return true
}

// recordLen returns the encoded length of a record.
func recordLen(content, trailer []byte) int {
	n := 1 + uvarintLen(len(content)) + len(content)
	if len(trailer) > 0 {
		n += uvarintLen(len(trailer)) + len(trailer)
	}
	return n
}

func uvarintLen(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }

// appendRecord appends a record. An empty trailer is no trailer.
func appendRecord(dst, content, trailer []byte) []byte {
	if len(trailer) > 0 {
		dst = binary.AppendUvarint(append(dst, flagTrailer), uint64(len(trailer)))
	} else {
		dst = append(dst, 0)
	}
	dst = binary.AppendUvarint(dst, uint64(len(content)))
	return append(append(dst, trailer...), content...)
}

// cutRecord splits off the first record of b. trailer is nil if it has none;
// no slice can be appended to in place.
func cutRecord(b []byte) (content, trailer, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&^flagTrailer != 0 {
		return nil, nil, nil, false
	}
	hasTrailer := b[0]&flagTrailer != 0
	b = b[1:]
	var trailerLen, contentLen uint64
	if hasTrailer {
		if trailerLen, b, ok = cutUvarint(b); !ok {
			return nil, nil, nil, false
		}
	}
	if contentLen, b, ok = cutUvarint(b); !ok {
		return nil, nil, nil, false
	}
	if trailerLen > uint64(len(b)) || contentLen > uint64(len(b))-trailerLen {
		return nil, nil, nil, false
	}
	end := trailerLen + contentLen
	if hasTrailer {
		trailer = b[:trailerLen:trailerLen]
	}
	return b[trailerLen:end:end], trailer, b[end:], true
}

func cutUvarint(b []byte) (uint64, []byte, bool) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), b[1:], true
	}
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
