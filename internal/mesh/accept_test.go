package mesh

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	beck "github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// idle is the role of a node that does nothing.
type idle struct{}

func (idle) Dialled(*Dialled)                         {}
func (idle) PeerChanged(*Peer, time.Time)             {}
func (idle) Subscribed(*Accepted, string, time.Time)  {}
func (idle) Receive(*Dialled, *Batch, time.Time) bool { return false }
func (idle) Tick(time.Time) time.Time                 { return time.Time{} }
func (idle) Serve(_ *Step, dst []byte, _ int) []byte  { return dst }

// TestOlderLinkIsAddressedAgain: a node restarted at the place of one that is
// gone is dialled twice by those who knew that one. The second link ends when
// they see who is there; what is for them then goes by the first again.
func TestOlderLinkIsAddressedAgain(t *testing.T) {
	n, err := Start(Config{
		NodeConfig: beck.NodeConfig{
			Sub: []string{"tcp://127.0.0.1:1"}, Pub: []string{"tcp://127.0.0.1:1"}, // no tower is there
			Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
		},
		UUID: selfUUID, Role: protocol.RoleConsumer,
	}, func(*Node) Role { return idle{} })
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", n.OwnBeacon().Port))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.Sub, Identity: otherUUID}, false); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	links := func(want int) {
		t.Helper()
		eventually(t, func() error {
			if is := n.linkCount(); is != want {
				return fmt.Errorf("%d links, want %d", is, want)
			}
			return nil
		})
	}
	first := dial()
	defer first.Close()
	links(1)
	second := dial()
	links(2)
	second.Close()
	links(1)
	n.Lock()
	p := n.Peer(otherUUID)
	if p == nil || p.Accepted == nil {
		n.Unlock()
		t.Fatal("the peer counts as gone while its first link stands")
	}
	p.Send([]byte("by the first"))
	n.Unlock()
	if err := first.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	r := zmtp.NewReader(first, zmtp.Limits{})
	for {
		m, err := r.Receive()
		if err != nil {
			t.Fatal(errors.Join(errors.New("the first link brings nothing"), err))
		}
		if string(m.Frames[0]) == "by the first" {
			return
		}
	}
}

// linkCount returns how many links peers hold.
func (n *Node) linkCount() int {
	n.Lock()
	defer n.Unlock()
	return len(n.accepted)
}
