package blocklog

import "sync"

const (
	// firstChunk is the size of a builder's first chunk. The next ones are four
	// times as large each, up to chunkBytes: most partitions are quiet.
	firstChunk = 4 << 10
	chunkStep  = 4
	// chunkBytes is the size of the chunks that builders share over time.
	chunkBytes = 256 << 10
)

// chunks are those of chunkBytes that no builder uses. A builder that had one
// buffer that grows would copy every record several times, into memory that is
// new each time.
var chunks = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// arena is the memory of a builder: chunks that are filled one after the other. A
// slice of it stays as it is until reset.
type arena struct {
	full [][]byte // chunks behind which there is no room
	open []byte   // the chunk that is filled
}

// next opens another chunk, with room for at least n bytes.
func (a *arena) next(n int) {
	size := firstChunk
	if a.open != nil {
		size = min(cap(a.open)*chunkStep, chunkBytes)
		a.full = append(a.full, a.open)
	}
	for size < n && size < chunkBytes {
		size *= chunkStep
	}
	switch {
	case n > chunkBytes:
		a.open = make([]byte, 0, n)
	case size == chunkBytes:
		a.open = chunks.Get().(*[chunkBytes]byte)[:0]
	default:
		a.open = make([]byte, 0, size)
	}
}

// room returns how many bytes the open chunk has left.
func (a *arena) room() int { return cap(a.open) - len(a.open) }

// reset empties the arena. It keeps the chunk filled last, so that there is one of
// the size that the builder came to need, and gives the others away.
func (a *arena) reset() {
	for _, c := range a.full {
		giveBack(c)
	}
	clear(a.full)
	a.full, a.open = a.full[:0], a.open[:0]
	if cap(a.open) > chunkBytes { // of a record that was larger
		a.open = nil
	}
}

func giveBack(chunk []byte) {
	if cap(chunk) == chunkBytes {
		chunks.Put((*[chunkBytes]byte)(chunk[:chunkBytes]))
	}
}
