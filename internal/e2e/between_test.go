//go:build unix

package e2e

import (
	"log/slog"
	"testing"

	"github.com/beckmesh/beck/internal/faultproxy"
	"github.com/beckmesh/beck/internal/testproc"
)

// between stands before the pub port of a tower: all links that the nodes of
// its mesh dial pass through fault proxies.
type between struct {
	t     testing.TB
	to    *mesh
	front *testproc.Front
}

func newBetween(m *mesh) *between {
	m.t.Helper()
	f, err := testproc.NewFront(m.pub)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		if err := f.Close(); err != nil {
			m.t.Error(err)
		}
	})
	return &between{t: m.t, to: m, front: f}
}

// mesh is the same mesh for nodes that are to dial through proxies.
func (b *between) mesh() *mesh {
	m := *b.to
	m.pub = b.front.Pub()
	return &m
}

// each does f to all proxies, those that come later too.
func (b *between) each(f func(*faultproxy.Proxy)) {
	b.front.Each(func(_ string, p *faultproxy.Proxy) { f(p) })
}

// cut resets all links that pass through, and returns how many they were.
func (b *between) cut() (links int) {
	b.front.Visit(func(_ string, p *faultproxy.Proxy) { links += p.Cut() })
	return links
}

// taken returns how many links have been made through proxies.
func (b *between) taken() (links uint64) {
	b.front.Visit(func(_ string, p *faultproxy.Proxy) { links += p.Stats().Accepted })
	return links
}

// quiet is a logger for what says too much.
var quiet = slog.New(slog.DiscardHandler)
