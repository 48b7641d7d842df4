package consumer_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

// heard gathers what hooks were told.
type heard struct {
	mu   sync.Mutex
	seen map[string]int
	acks map[producer.Ack]bool
	drop uint64
}

func (h *heard) add(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = make(map[string]int)
	}
	h.seen[what]++
}

func (h *heard) count(what string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen[what]
}

func TestHooks(t *testing.T) {
	m := testmesh.New(t)
	h := &heard{acks: make(map[producer.Ack]bool)}
	s := m.Store("", func(c *store.Config) { c.Name = "keeper" })
	m.Node.OnConnect = func(p beck.Peer) { h.add("+" + p.Role + p.Name) }
	m.Node.OnDisconnect = func(p beck.Peer, why error) {
		h.add("-" + p.Role + p.Name)
		if why == nil {
			t.Error("disconnected for no reason")
		}
	}
	var p *producer.Producer
	started := make(chan struct{})
	p = m.Producer(func(c *producer.Config) {
		c.OnAck = func(a producer.Ack) {
			<-started
			// A hook may publish and wait for it.
			if a.Topic == "t" && a.Next == 100 {
				_, err := p.PublishSync(testmesh.Context(t), beck.Record{Topic: "u"})
				if err != nil {
					t.Error(err)
				}
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.acks[a] = true
		}
	})
	close(started)
	publishTo(t, p, 100, "t")
	flush(t, p)
	c := m.Consumer(func(c *consumer.Config) {
		c.QueueBytes = 64 << 10
		c.OnDrop = func(d consumer.Drop) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.drop += d.Records
		}
	}, "t")
	testmesh.Take(t, c, 1)
	testmesh.Until(t, "the store's acknowledgements", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.acks[producer.Ack{Topic: "t", Store: s.Address(), Next: 100, Stored: 100}] &&
			h.acks[producer.Ack{Topic: "u", Store: s.Address(), Next: 1, Stored: 1}]
	})
	testmesh.Until(t, "connects", func() bool {
		return h.count("+tower") == 2 && h.count("+storekeeper") == 2 && h.count("+producer") == 1 && h.count("+consumer") == 1
	})
	testmesh.Until(t, "a drop", func() bool {
		publishTo(t, p, 1000, "t")
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.drop > 0
	})
	s.Close()
	testmesh.Until(t, "disconnects", func() bool { return h.count("-storekeeper") == 2 })
}

// A hook that does not return keeps nothing from going on, and a node that is
// closed meanwhile waits for it.
func TestSlowHook(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	blocked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p := m.Producer(func(c *producer.Config) {
		c.OnConnect = func(beck.Peer) {
			once.Do(func() { close(blocked) })
			<-release
		}
		c.OnAck = func(producer.Ack) {}
	})
	<-blocked
	publishTo(t, p, 1000, "t")
	flush(t, p)
	if _, err := p.PublishSync(testmesh.Context(t), beck.Record{Topic: "t"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- p.Close() }()
	testmesh.Until(t, "Close to begin", func() bool { return errors.Is(p.TryPublish(beck.Record{Topic: "t"}), beck.ErrClosed) })
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
