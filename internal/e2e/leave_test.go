//go:build unix

package e2e

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/producer"
)

// TestLeavingProducerTakesNoNewLinks: a producer that has sent everything ends
// its links and goes when their peers have closed them. Those who heard it dial
// it again at once; that must not keep it for its whole linger.
func TestLeavingProducerTakesNoNewLinks(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	const linger = 10 * time.Second
	addr := freePort(t)
	p := m.Producer(func(c *producer.Config) {
		c.MinStoreAcks, c.Linger, c.Listen = 0, linger, addr
	})
	c := m.Consumer(nil, "left")
	slow := slowToClose(t, addr)
	if err := p.PublishBatch(testmesh.Context(t), testmesh.Records("left", "r", 100)); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Take(t, c, 100), 0, "r")
	begin := time.Now()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	<-slow
	if took := time.Since(begin); took > linger/2 {
		t.Errorf("Close took %s", took)
	}
}

// slowToClose links to a node and closes the link 300 ms after the node has.
func slowToClose(t *testing.T, addr string) (closed <-chan struct{}) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.Sub}, false); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, conn)
		<-time.After(300 * time.Millisecond) // what makes it slow
		conn.Close()
	}()
	return done
}
