package foreign_test

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
)

// TestLinkToAnother: a node that is announced where another listens, as happens
// when that got the port of one that went, gets no link: it would be the other's
// second, and count as a node of its own.
func TestLinkToAnother(t *testing.T) {
	m := testmesh.New(t)
	s := m.Store("")
	testmesh.Until(t, "the store's beacon", func() bool { return len(m.Tower.Nodes()) == 1 })
	ghost := foreign.New(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(m.Tower.Nodes()[0].Endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	ghost.Port = port
	join(m, ghost)
	var log buffer
	c := m.Consumer(func(c *consumer.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}, topic)
	testmesh.Until(t, "the refusal of the link", func() bool {
		return strings.Contains(log.String(), "another node is at this endpoint: "+s.Address())
	})
	testmesh.Until(t, "the link to the store", func() bool { return c.Stats().Links == 1 })
}

// buffer is what a logger wrote.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
