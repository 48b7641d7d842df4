//go:build unix

package e2e

import (
	"net"
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// lookup listens to a tower, to learn where nodes are.
type lookup struct {
	t  testing.TB
	mu sync.Mutex
	at map[string]string
}

func newLookup(t testing.TB, m *mesh) *lookup {
	t.Helper()
	host, port, _ := protocol.ParseEndpoint(m.pub)
	conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.Sub}, false); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(zmtp.AppendSubscription(nil, []byte(protocol.PrefixBeacon), true)); err != nil {
		t.Fatal(err)
	}
	l := &lookup{t: t, at: make(map[string]string)}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		l.listen(zmtp.NewReader(conn, zmtp.Limits{}))
	}()
	return l
}

func (l *lookup) listen(r *zmtp.Reader) {
	for {
		m, err := r.Receive()
		if err != nil {
			return
		}
		if b, err := protocol.ParseTowerBeacon(m.Frames); err == nil {
			l.mu.Lock()
			l.at[b.UUID] = b.Endpoint
			l.mu.Unlock()
		}
	}
}

// endpoint waits until the tower has named a node.
func (l *lookup) endpoint(uuid string) (at string) {
	l.t.Helper()
	eventually(l.t, limit(), "tower names "+uuid, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		at = l.at[uuid]
		return at != ""
	})
	return at
}
