package tower

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long tests wait for what has to come.
const patience = 10 * time.Second

// start runs a tower on free ports of 127.0.0.1 until the test ends.
func start(t *testing.T, change func(*Config)) *Tower {
	t.Helper()
	cfg := Config{Sub: "tcp://127.0.0.1:0", Pub: "tcp://127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	tower, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tower.Close(); err != nil {
			t.Error(err)
		}
	})
	return tower
}

// client is the test's end of a connection to a tower.
type client struct {
	t      *testing.T
	conn   net.Conn
	reader *zmtp.Reader
}

func dialRaw(t *testing.T, endpoint string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(endpoint, "tcp://"), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func dial(t *testing.T, endpoint string, as zmtp.SocketType) *client {
	t.Helper()
	conn := dialRaw(t, endpoint)
	if _, err := zmtp.Handshake(conn, zmtp.Options{Type: as}, false); err != nil {
		t.Fatal(err)
	}
	return &client{t: t, conn: conn, reader: zmtp.NewReader(conn, zmtp.Limits{})}
}

// publish connects to the sub port as a node does.
func publish(t *testing.T, tower *Tower) *client { return dial(t, tower.Sub(), zmtp.Pub) }

// listen connects to the pub port as a node does, is welcomed and subscribes.
func listen(t *testing.T, tower *Tower, topics ...string) *client {
	t.Helper()
	c := dial(t, tower.Pub(), zmtp.Sub)
	c.expect("W")
	for _, topic := range topics {
		c.write(zmtp.AppendSubscription(nil, []byte(topic), true))
	}
	return c
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) send(frames ...[]byte) { c.t.Helper(); c.write(zmtp.AppendMessage(nil, frames...)) }

func (c *client) announce(uuid string, port uint16) {
	c.t.Helper()
	info := &protocol.NodeInfo{Role: protocol.RoleStore, Name: uuid[31:], Age: time.Second}
	c.send(protocol.NodeBeacon{UUID: uuid, Port: port, Info: info}.Frames()...)
}

// read returns the next message or why there is none within the time given.
func (c *client) read(within time.Duration) (zmtp.Msg, error) {
	c.conn.SetReadDeadline(time.Now().Add(within))
	return c.reader.Receive()
}

// next describes the next message: "W", "B name endpoint", "T age".
func (c *client) next() string {
	c.t.Helper()
	m, err := c.read(patience)
	if err != nil {
		c.t.Fatal(err)
	}
	return describe(m)
}

func describe(m zmtp.Msg) string {
	if b, err := protocol.ParseTowerBeacon(m.Frames); err == nil {
		return fmt.Sprint("B ", b.UUID[31:], " ", b.Endpoint)
	}
	if end, err := protocol.ParseListEnd(m.Frames); err == nil {
		return "T " + end.Info.Role
	}
	return string(bytes.Join(m.Frames, []byte(" ")))
}

func (c *client) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.next(); got != w {
			c.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

// quiet checks that nothing comes for a while.
func (c *client) quiet(d time.Duration) {
	c.t.Helper()
	if m, err := c.read(d); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %q, %v; want nothing", m.Frames, err)
	}
}

// closed waits until the tower has closed the connection.
func (c *client) closed() {
	c.t.Helper()
	for {
		if _, err := c.read(patience); errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Fatal("the connection is still open")
		} else if err != nil {
			return
		}
	}
}

// uuid is an address that ends in one letter.
func uuid(letter string) string { return strings.Repeat("0", 31) + letter }

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(2 * time.Millisecond) {
		if check() {
			return
		}
	}
	t.Fatal("did not happen: " + what)
}
