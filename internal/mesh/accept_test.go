package mesh

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
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

// startIdle starts a node that does nothing, which ends with the test.
func startIdle(t *testing.T) *Node {
	t.Helper()
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
	t.Cleanup(n.Close)
	return n
}

// dialled links another node to n, which has so many links then.
func (n *Node) dialled(t *testing.T, links int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", n.OwnBeacon().Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.Sub, Identity: otherUUID}, false); err != nil {
		t.Fatal(err)
	}
	n.wantLinks(t, links)
	return conn
}

// wantLinks waits until peers hold so many links.
func (n *Node) wantLinks(t *testing.T, want int) {
	t.Helper()
	eventually(t, func() error {
		if is := n.linkCount(); is != want {
			return fmt.Errorf("%d links, want %d", is, want)
		}
		return nil
	})
}

// TestMalformedEndsLink: a peer may send garbage for a while, and is cut off then.
func TestMalformedEndsLink(t *testing.T) {
	n := startIdle(t)
	conn := n.dialled(t, 1)
	garbage := func(messages int) {
		t.Helper()
		if _, err := conn.Write(bytes.Repeat(zmtp.AppendMessage(nil, []byte("garbage")), messages)); err != nil {
			t.Fatal(err)
		}
	}
	counted := func(want uint64) {
		t.Helper()
		eventually(t, func() error {
			n.Lock()
			is := n.Stats().Malformed["frames"]
			n.Unlock()
			if is != want {
				return fmt.Errorf("%d are counted, want %d", is, want)
			}
			return nil
		})
	}
	garbage(maxFaults - 1)
	counted(maxFaults - 1)
	n.wantLinks(t, 1)
	garbage(1)
	n.wantLinks(t, 0)
	counted(maxFaults)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stands")
	}
}

// TestOlderLinkIsAddressedAgain: a node restarted at the place of one that is
// gone is dialled twice by those who knew that one. The second link ends when
// they see who is there; what is for them then goes by the first again.
func TestOlderLinkIsAddressedAgain(t *testing.T) {
	n := startIdle(t)
	first := n.dialled(t, 1)
	n.dialled(t, 2).Close()
	n.wantLinks(t, 1)
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
