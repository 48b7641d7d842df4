// Package journal keeps a producer's window on disk: its address, the next
// sequence of each topic, and the records that are not acknowledged yet. What
// [Journal.Sync] has confirmed survives the loss of power, so that a producer
// that comes back goes on under its address, and no sequence ever names two
// contents.
//
// A directory holds
//
//	LOCK              held by the process that has the journal open
//	000000000001.seg  segments: records in the order in which they were appended
//	segment.tmp       a segment that is being made
//	aside-UUID/       the segments of another journal that this one is a copy of
//
// A segment is a header and frames. It gets its name when its header is on
// disk, therefore a bad header is damage and never a crash. Integers are
// big-endian, "uv" is an unsigned varint. In every version the header begins
// with these 20 bytes:
//
//	0             8         12        16       20
//	+-------------+---------+---------+--------+--- ... ---+
//	| "beckjrnl"  | version | length  | CRC32C | the rest  |
//	| 8           | 4       | 4       | 4      |           |
//	+-------------+---------+---------+--------+--- ... ---+
//
//	version  1
//	length   of the whole header; frames follow
//	CRC32C   Castagnoli, of all other bytes of the header
//
// In version 1 the rest is:
//
//	20       28         36     44        76      84      92
//	+--------+----------+------+---------+-------+-------+------+------+--- ... --+
//	| number | previous | salt | address | dir   | file  | host | host | topics   |
//	| 8      | 8        | 8    | 32      | 8     | 8     | len 1|      |          |
//	+--------+----------+------+---------+-------+-------+------+------+--- ... --+
//
//	number    of the segment, as in its name; one more than the one before
//	previous  where the segment before this one ends. Bytes behind that are a
//	          torn tail, or were written again to this segment; 0 in the first
//	salt      random; goes into the frames' checksums, so that a record whose
//	          content is a journal cannot be taken for one
//	address   the producer's UUID, 32 upper-case hex
//	dir, file inodes of the directory and the segment, and host, the machine:
//	          where the segment was made. A copy is elsewhere
//
// The topics are the state at the start of the segment, a topic's id being its
// index. They stay when all records are gone, because their sequences must not
// begin again:
//
//	+----------+   +-------+--------+---------+------------+
//	| count uv |   | len 1 | name   | next uv | trimmed uv |  count times
//	+----------+   +-------+--------+---------+------------+
//
// A frame is what was appended between two calls of Sync, or, if that was much,
// a part of it:
//
//	0        4          8        12         20
//	+--------+----------+--------+----------+--- ... ---+
//	| CRC32C | CRC32C   | length | durable  | entries   |
//	| header | entries  | 4      | 8        |           |
//	+--------+----------+--------+----------+--- ... ---+
//
//	CRC32C header   of the salt, the frame's offset in the file (8 bytes each)
//	                and the 16 bytes that follow it
//	durable         everything below this offset was on disk before this frame
//	                was written
//
// A bad frame is damage if it lies below the end that the next segment states,
// or if a later header says that it was on disk; the journal is refused then.
// Otherwise it is the torn tail of a crash, nobody was told that it is safe,
// and it is cut. Damage to the last frames cannot be told from a torn tail as
// long as no frame was written behind them; [Journal.Close] writes one.
//
// An entry is one of
//
//	+---+-------+--------+---------------+-------------+---------+-------+
//	| 1 | id uv | seq uv | trailer len uv| value len uv| trailer | value |  record
//	+---+-------+--------+---------------+-------------+---------+-------+
//	| 2 | len 1 | name   | seq uv        |   topic: takes the next id, begins at seq
//	+---+-------+--------+---------------+
//	| 3 | id uv | seq uv |                   trim: what is below seq is acknowledged
//	+---+-------+--------+
//	| 4 |                                   end: closed in order
//	+---+
//
// Opening a journal always begins a new segment, and writes again to it what
// the last one holds beyond the last durable mark: after a failed fsync the
// system may show bytes that never reached the disk.
package journal
