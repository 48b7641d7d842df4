package producer

import (
	"sync"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/compress"
	"github.com/beckmesh/beck/protocol"
)

// packer compresses values before the lock is taken.
type packer struct {
	enc   *compress.Encoder
	packs sync.Pool // of *pack
}

// pack is some records' contents, in memory of its own.
type pack struct {
	buf      []byte
	contents []content
}

// How much is compressed at a time, before the lock is taken for it.
const (
	packRecords = 256
	packBytes   = 256 << 10
)

func newPacker(as Compression) (*packer, error) {
	if as == None {
		return nil, nil
	}
	enc, err := compress.NewEncoder(protocol.Compression(as))
	if err != nil {
		return nil, err
	}
	return &packer{enc: enc, packs: sync.Pool{New: func() any { return new(pack) }}}, nil
}

// fill compresses the first of some records, at least one.
func (k *packer) fill(records []beck.Record) *pack {
	b := k.packs.Get().(*pack)
	b.buf, b.contents = b.buf[:0], b.contents[:0]
	for i, bytes := 0, 0; i < len(records) && i < packRecords && bytes < packBytes; i++ {
		value, from := records[i].Value, len(b.buf)
		c := content{}
		if b.buf, c.as = k.enc.Append(b.buf, value); c.as == protocol.Plain {
			c.bytes = compress.Plain(value)
		} else {
			c.bytes = b.buf[from:]
		}
		b.contents = append(b.contents, c)
		bytes += len(value)
	}
	return b
}

func (k *packer) put(b *pack) {
	clear(b.contents)
	if cap(b.buf) > 4*packBytes {
		b.buf = nil // one large value does not keep its memory
	}
	k.packs.Put(b)
}
