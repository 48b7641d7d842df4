package core

import "github.com/beckmesh/beck/internal/planted"

// Cursor is where one link stands in one log. What a link does not read costs
// nobody else anything: the window moves on, and a cursor it overtakes goes on
// at the newest record.
type Cursor struct {
	log     *Log
	pos     int64
	seq     uint64 // sequence of the record at pos
	live    bool   // the peer asked for records
	heads   bool   // the peer asked for heads
	headGen uint64 // the newest HEAD this link has sent
	welcome bool   // the peer has just asked for heads and got none yet
	queued  bool   // it has its place among the outlet's turns
}

// Slice is a piece of a chunk that ends where a message ends.
type Slice struct {
	Chunk    *Chunk
	From, To int
}

// Len returns the number of bytes in s.
func (s Slice) Len() int { return s.To - s.From }

// atHead reports whether everything the log holds has been sent, as far as the
// peer asked for it.
func (c *Cursor) atHead() bool { return !c.live || c.pos == c.log.shown.pos }

func (c *Cursor) pending() bool {
	if !c.atHead() {
		return true
	}
	return c.headDue()
}

func (c *Cursor) headDue() bool {
	return c.heads && c.headGen < c.log.heads.gen && c.sent() > 0
}

// sent returns the sequence after the last record that the link has sent, or
// needs not send because its peer wants heads only.
func (c *Cursor) sent() uint64 {
	if c.live && !planted.Is(planted.HeadAhead) {
		return c.seq
	}
	return c.log.shown.next
}

// announce takes the due HEAD as sent and returns the sequence it names: never
// that of a record which the link has not sent. It goes out when the cursor has
// reached the head; only the first one does not wait for that, so that a peer
// learns where its records begin before it gets one. Then another follows.
func (c *Cursor) announce() uint64 {
	if planted.Is(planted.HeadOnce) {
		c.heads = false
	}
	if c.atHead() {
		c.headGen = c.log.heads.gen
	}
	c.welcome = false
	return c.sent() - 1
}

// setLive starts or ends the sending of records; they start behind the head.
func (c *Cursor) setLive(on bool) {
	if on && !c.live {
		c.pos, c.seq = c.log.shown.pos, c.log.shown.next
	}
	c.live = on
}

// setHeads starts or ends the sending of heads; the newest is due at once.
func (c *Cursor) setHeads(on bool) {
	if on && !c.heads {
		if c.log.heads.gen == 0 && c.log.shown.next > 0 {
			c.log.heads.gen = 1
		}
		c.headGen = 0
		c.welcome = true
	}
	c.heads = on
}

// next returns the slice to send and moves behind it. skipped counts the
// records that the window dropped before this link had sent them.
func (c *Cursor) next() (s Slice, skipped uint64) {
	if c.pos < c.log.tail() {
		skipped = c.skip()
	}
	chunk := c.log.at(c.pos)
	if chunk == nil {
		return Slice{}, skipped
	}
	s = Slice{Chunk: chunk, From: int(c.pos - chunk.Start), To: chunk.Size}
	c.pos, c.seq = chunk.end(), chunk.End()
	if shown := c.log.shown; c.pos > shown.pos {
		s.To = int(shown.pos - chunk.Start)
		c.pos, c.seq = shown.pos, shown.next
	}
	return s, skipped
}

// skip moves to the newest record, or behind it when even that is gone.
func (c *Cursor) skip() (skipped uint64) {
	from := c.seq
	c.pos, c.seq = c.log.shown.pos, c.log.shown.next
	if c.log.shown.newest >= c.log.tail() && c.log.shown.next > 0 && c.log.shown.newest < c.log.shown.pos {
		c.pos, c.seq = c.log.shown.newest, c.log.shown.next-1
		if planted.Is(planted.CursorMidMessage) {
			c.pos++
		}
	}
	return c.seq - from
}
