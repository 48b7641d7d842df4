package journal

// batch is what was appended and not written yet: frames whose headers are
// still empty, so that they can be written as they are.
type batch struct {
	bytes  []byte
	frames []int // where frames begin in bytes
	topics int   // how many topics there are with those defined here
	// marks are the topics with records here.
	marks []mark
	// trims are the topics whose trims are here.
	trims []mark
}

// mark is a sequence of a topic: behind its last record here, or its trim.
type mark struct {
	topic *topic
	next  uint64
}

func (b *batch) empty() bool { return len(b.bytes) == 0 }

// room begins another frame if there is none, or the last one is large enough.
func (b *batch) room() {
	if n := len(b.frames); n == 0 || len(b.bytes)-b.frames[n-1] >= frameBytes {
		b.frames = append(b.frames, len(b.bytes))
		b.bytes = append(b.bytes, make([]byte, frameHeader)...)
	}
}

// record appends a record of p.
func (b *batch) record(p *topic, seq uint64, value, trailer []byte) {
	b.room()
	b.bytes = appendRecord(b.bytes, p.id, seq, value, trailer)
	if !p.touched {
		p.touched = true
		b.marks = append(b.marks, mark{topic: p})
	}
}

// define appends the definition of a new topic.
func (b *batch) define(p *topic) {
	b.room()
	b.bytes = appendTopic(b.bytes, p.name, p.next)
}

// trim notes that the trim of p is to be written.
func (b *batch) trim(p *topic) {
	if !p.dirty {
		p.dirty = true
		b.trims = append(b.trims, mark{topic: p})
	}
}

// complete appends the trims and notes where the topics of t are now. No record
// is appended to b afterwards.
func (b *batch) complete(t *table) {
	b.topics = len(t.topics)
	for i, m := range b.marks {
		m.topic.touched, b.marks[i].next = false, m.topic.next
	}
	for i, m := range b.trims {
		m.topic.dirty, b.trims[i].next = false, m.topic.trimmed
		b.room()
		b.bytes = appendTrim(b.bytes, m.topic.id, m.topic.trimmed)
	}
}

// seal fills in the headers of the frames for a file in which they begin at
// offset and everything below durable is on disk.
func (b *batch) seal(salt uint64, offset, durable int64) {
	for i, at := range b.frames {
		end := len(b.bytes)
		if i+1 < len(b.frames) {
			end = b.frames[i+1]
		}
		sealFrame(b.bytes[at:end], salt, offset+int64(at), durable)
	}
}

// settle notes in the topics what was written. It needs [Journal.io].
func (b *batch) settle() {
	for _, m := range b.marks {
		m.topic.writtenNext = m.next
	}
	for _, m := range b.trims {
		m.topic.writtenTrimmed = m.next
	}
}

// reset empties b for the next round.
func (b *batch) reset() {
	if cap(b.bytes) > keepBytes {
		b.bytes = nil
	}
	clear(b.marks) // no topics of a renewed table are held
	clear(b.trims)
	b.bytes, b.frames = b.bytes[:0], b.frames[:0]
	b.marks, b.trims = b.marks[:0], b.trims[:0]
}
