package protocol

import (
	"encoding/binary"
	"hash/crc32"
)

// Keys of the trailer of RECORD and DIRECT-RECORD. Those from 8 on are in
// trailer.go.
const (
	keyTime        = 1 // producer's time, ms since 1970
	keyKey         = 2 // the record's key
	keyHeaders     = 3 // array of [name, value]
	keyCompression = 4 // see [Compression]
	keyCRC         = 7 // see [RecordTrailer.Sum]
)

// What the trailer of a record may hold. More than that is [ErrTrailer].
const (
	MaxKey         = 64 << 10        // bytes of a key
	MaxHeaders     = 256             // headers of a record
	MaxHeaderBytes = 64 << 10        // bytes of their names and values together
	MaxTime        = 253402300799999 // ms since 1970: the last one of the year 9999
)

// RecordTrailer is the part of beck's extension map that RECORD and
// DIRECT-RECORD use. On the wire:
//
//	+----+-----------------+-------------+------------------------+---------+--------------+
//	| 8n | 01 CF time (8)  | 02 bin key  | 03 array of [str, bin] | 04 code | 07 CE crc(4) |
//	+----+-----------------+-------------+------------------------+---------+--------------+
//	 map   if HasTime        if Key != nil  if HeaderCount > 0      if not 0  if HasCRC
//
// Keys ascend; lengths and the code have msgpack's shortest form, the time
// always 8 bytes and the sum always 4, so that the trailer of a record without
// key and headers always has the same length and can be told by comparing
// bytes. The zero RecordTrailer is no bytes at all.
type RecordTrailer struct {
	Time        int64       // when the producer took the record, ms since 1970, 0 to MaxTime; when HasTime
	Key         []byte      // nil: it has none
	Headers     []byte      // one behind the other as AppendHeader wrote them; see CutHeader
	HeaderCount int         // how many these are
	Compression Compression // of the content, which says it too
	CRC         uint32      // of key, headers and content, when HasCRC; see Sum
	HasTime     bool
	HasCRC      bool
}

// The trailer that has a time and a sum and nothing else, which nearly all
// records have.
const (
	plainLen = 17
	plainCRC = 11 // where the sum's key stands
)

// Append appends the trailer to dst, which is frame 0 of a RECORD or
// DIRECT-RECORD. Nothing is appended when the trailer says nothing. What is
// beyond the bounds of Parse is appended all the same: check before.
func (t *RecordTrailer) Append(dst []byte) []byte {
	n := byte(0)
	for _, has := range [...]bool{t.HasTime, t.Key != nil, t.HeaderCount > 0, t.Compression != 0, t.HasCRC} {
		if has {
			n++
		}
	}
	if n == 0 {
		return dst
	}
	dst = append(dst, 0x80|n)
	if t.HasTime {
		dst = binary.BigEndian.AppendUint64(append(dst, keyTime, 0xcf), uint64(t.Time))
	}
	if t.Key != nil {
		dst = append(appendBinLen(append(dst, keyKey), len(t.Key)), t.Key...)
	}
	if t.HeaderCount > 0 {
		dst = append(appendArrayLen(append(dst, keyHeaders), t.HeaderCount), t.Headers...)
	}
	if t.Compression != 0 {
		dst = appendUint(append(dst, keyCompression), uint64(t.Compression))
	}
	if t.HasCRC {
		dst = binary.BigEndian.AppendUint32(append(dst, keyCRC, 0xce), t.CRC)
	}
	return dst
}

// ParseRecordTrailer reads what Parse left in Message.Trailer of a RECORD or
// DIRECT-RECORD; no bytes are the zero RecordTrailer. Numbers may have any of
// msgpack's integer encodings, key, names and values be str or bin; a nil key is
// none, a nil value empty. Unknown keys are skipped with values of any type up to
// 8 levels deep, and of a repeated key the last one counts. On [ErrTrailer] the
// message itself stands and the trailer is to be ignored. It allocates nothing:
// the slices alias b.
func ParseRecordTrailer(b []byte) (t RecordTrailer, err error) {
	if isPlain(b) {
		t.Time, t.HasTime = int64(binary.BigEndian.Uint64(b[3:])), true
		t.CRC, t.HasCRC = binary.BigEndian.Uint32(b[plainCRC+2:]), true
		if uint64(t.Time) > MaxTime {
			return RecordTrailer{}, ErrTrailer
		}
		return t, nil
	}
	if len(b) == 0 {
		return t, nil
	}
	n, b, ok := cutMapLen(b)
	for ; ok && n > 0; n-- {
		b, ok = t.parseEntry(b)
	}
	if !ok || len(b) > 0 {
		return RecordTrailer{}, ErrTrailer
	}
	return t, nil
}

// isPlain reports whether a trailer has a time and a sum and nothing else.
func isPlain(b []byte) bool {
	return len(b) == plainLen && b[0] == 0x82 && b[1] == keyTime && b[2] == 0xcf && b[plainCRC] == keyCRC && b[plainCRC+1] == 0xce
}

// PlainTime returns the time of a trailer that has a time and a sum and nothing
// else; ok is false for any other, for which ParseRecordTrailer is.
func PlainTime(trailer []byte) (ms int64, ok bool) {
	if !isPlain(trailer) {
		return 0, false
	}
	ms = int64(binary.BigEndian.Uint64(trailer[3:]))
	return ms, uint64(ms) <= MaxTime
}

// parseEntry reads one key and its value.
func (t *RecordTrailer) parseEntry(b []byte) ([]byte, bool) {
	key, negative, b, ok := cutInteger(b)
	if !ok {
		return nil, false
	}
	if negative {
		return skipValue(b, maxDepth)
	}
	var n uint64
	switch key {
	case keyTime:
		b, ok = cutNumber(b, &n)
		t.Time, t.HasTime = int64(n), true
		return b, ok && n <= MaxTime
	case keyKey:
		t.Key, b, ok = cutBytes(b)
		return b, ok && len(t.Key) <= MaxKey
	case keyHeaders:
		return t.parseHeaders(b)
	case keyCompression:
		b, ok = cutNumber(b, &n)
		t.Compression = Compression(n)
		return b, ok && n <= 0xff
	case keyCRC:
		b, ok = cutNumber(b, &n)
		t.CRC, t.HasCRC = uint32(n), true
		return b, ok && n <= 0xffffffff
	}
	return skipValue(b, maxDepth)
}

// SetSum puts the sum of a record with that content, and neither key nor headers,
// into what Append wrote for a RecordTrailer that has one and neither key nor
// headers: the sum is the last thing there.
func SetSum(trailer, content []byte) {
	binary.BigEndian.PutUint32(trailer[len(trailer)-4:], crc32.Checksum(content, castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sum returns the CRC32C that belongs to the record: of its key, the name and
// the value of each header in order, and its content as it is carried, one
// behind the other. Time and compression are left out.
func (t *RecordTrailer) Sum(content []byte) uint32 {
	if t.Key == nil && t.HeaderCount == 0 {
		return crc32.Checksum(content, castagnoli)
	}
	sum := crc32.Update(0, castagnoli, t.Key)
	for rest := t.Headers; len(rest) > 0; {
		var name, value []byte
		var ok bool
		if name, value, rest, ok = CutHeader(rest); !ok {
			break
		}
		sum = crc32.Update(crc32.Update(sum, castagnoli, name), castagnoli, value)
	}
	return crc32.Update(sum, castagnoli, content)
}

// Intact reports whether a record is what its producer sent: false if its
// trailer has a sum that is not the record's. A record without a sum, or with a
// trailer that cannot be read, counts as intact: nothing is known against it.
func Intact(trailer, content []byte) bool {
	if isPlain(trailer) {
		return binary.BigEndian.Uint32(trailer[plainCRC+2:]) == crc32.Checksum(content, castagnoli)
	}
	if len(trailer) == 0 {
		return true
	}
	t, err := ParseRecordTrailer(trailer)
	return err != nil || !t.HasCRC || t.CRC == t.Sum(content)
}
