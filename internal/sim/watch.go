package sim

import (
	"io"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// watch reads along with what arrives on a link, for promises that a consumer
// cannot see: a HEAD names no record that the link has not sent.
type watch struct {
	world  *World
	name   string
	bytes  []byte
	reader *zmtp.Reader
	heads  map[core.Partition]uint64 // sequence after the highest that a HEAD named
}

func (w *World) newWatch(name string) *watch {
	t := &watch{world: w, name: name, heads: make(map[core.Partition]uint64)}
	t.reader = zmtp.NewReader(t, zmtp.Limits{})
	return t
}

// Read gives the reader what has arrived.
func (t *watch) Read(b []byte) (int, error) {
	if len(t.bytes) == 0 {
		return 0, io.EOF
	}
	n := copy(b, t.bytes)
	t.bytes = t.bytes[n:]
	return n, nil
}

func (t *watch) arrive(b []byte) {
	t.bytes = append(t.bytes, b...)
	for len(t.bytes) > 0 {
		if err := t.reader.Fill(); err != nil {
			return
		}
		for m, ok, err := t.reader.Next(); ok || err != nil; m, ok, err = t.reader.Next() {
			if err != nil {
				t.world.failf("%s: the stream is broken: %v", t.name, err)
				return
			}
			t.message(m)
		}
	}
}

func (t *watch) message(m zmtp.Msg) {
	if m.Command {
		return
	}
	msg, err := protocol.Parse(m.Frames[0])
	if err != nil {
		return // a subscription
	}
	p := core.Partition{Topic: string(msg.Subject), Producer: string(msg.Sender)}
	switch msg.Kind {
	case protocol.KindHead:
		t.heads[p] = msg.Sequence + 1
	case protocol.KindRecord:
		if msg.Sequence < t.heads[p] {
			t.world.failf("%s: a HEAD named %v@%d, and %d came behind it", t.name, p, t.heads[p]-1, msg.Sequence)
		}
	}
}
