//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
	"github.com/beckmesh/beck/tower"
)

const ackTopic = "acks"

// ackMesh is two towers and a producer of this process that wants two stores.
type ackMesh struct {
	towers   []string // their sub endpoints
	producer *producer.Producer
	endpoint string // of the producer
	records  int
}

func newAckMesh(t *testing.T) *ackMesh {
	t.Helper()
	m := &ackMesh{records: 100}
	c := producer.DefaultConfig()
	c.MinStoreAcks, c.MessageBytes, c.WindowBytes = 2, 4<<10, 8<<10
	c.Logger, c.Sub, c.Pub = quiet, nil, nil
	for range 2 {
		tc := tower.DefaultConfig()
		tc.Sub, tc.Pub, tc.Logger = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", quiet
		tw, err := tower.Start(tc)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tw.Close() })
		c.Sub, c.Pub = append(c.Sub, tw.Sub()), append(c.Pub, tw.Pub())
		m.towers = append(m.towers, tw.Sub())
	}
	c.Listen = freePort(t)
	m.endpoint = "tcp://" + c.Listen
	p, err := producer.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	m.producer = p
	t.Cleanup(func() { m.producer.Close() })
	for i := range m.records {
		if err := m.producer.Publish(t.Context(), beck.Record{Topic: ackTopic, Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// store is a scripted store that can hear the producer's answers.
func (m *ackMesh) store(t *testing.T, towers ...string) *scripted {
	t.Helper()
	s := newScripted(t, protocol.RoleStore, towers...)
	s.hear(m.endpoint, "D"+s.uuid)
	return s
}

// acknowledge sends an ACK for everything on one link, and returns when the
// producer has taken it: when it has answered a FETCH that came behind.
func (m *ackMesh) acknowledge(t *testing.T, s *scripted, door int) *scriptedLink {
	t.Helper()
	self := m.producer.Address()
	l := s.awaitLink(limit(), self, door, "K"+self, "F"+self)
	before := s.count(protocol.KindDirectRecord)
	l.send(t,
		protocol.AppendAck(nil, self, ackTopic, uint64(m.records-1)),
		protocol.AppendFetch(nil, self, s.uuid, ackTopic, uint64(m.records-1), 1))
	eventually(t, limit(), "ACK was taken", func() bool { return s.count(protocol.KindDirectRecord) > before })
	return l
}

// freed returns how many records two stores have.
func (m *ackMesh) freed() uint64 { return m.producer.Stats().Stored }

// check acknowledges by a second store and sees that this frees everything,
// which nothing did before.
func (m *ackMesh) check(t *testing.T) {
	t.Helper()
	if n := m.freed(); n != 0 {
		t.Fatalf("%d records were freed by one store", n)
	}
	// No room is made either: the window holds what lacks its two stores.
	big := beck.Record{Topic: ackTopic, Value: make([]byte, 3<<10)}
	var err error
	for published := 0; err == nil && published < 100; published++ {
		err = m.producer.TryPublish(big)
	}
	if !errors.Is(err, beck.ErrFull) {
		t.Fatalf("the window took everything: %v", err)
	}
	second := m.store(t, m.towers[0])
	m.acknowledge(t, second, 0)
	if n := m.freed(); n != uint64(m.records) {
		t.Fatalf("two stores freed %d of %d records", n, m.records)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit())
	defer cancel()
	if err := m.producer.Publish(ctx, big); err != nil {
		t.Fatalf("two stores made no room: %v", err)
	}
}

// TestTwoAcksOfOneReconnectedStore: with MinStoreAcks 2, an ACK before and an
// ACK after a store reconnected are of one store, and free nothing.
func TestTwoAcksOfOneReconnectedStore(t *testing.T) {
	t.Parallel()
	m := newAckMesh(t)
	s := m.store(t, m.towers[0])
	first := m.acknowledge(t, s, 0)
	m.acknowledge(t, s, 0) // nor does saying it twice
	first.conn.Close()
	eventually(t, limit(), "link gone", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.links) == 0 || s.links[0] != first
	})
	if again := m.acknowledge(t, s, 0); again == first {
		t.Fatal("the store has not reconnected")
	}
	m.check(t)
}

// TestTwoAcksOfOneStoreAtTwoAddresses: the same with a store that two towers
// announce under two addresses, of which the producer has used both.
func TestTwoAcksOfOneStoreAtTwoAddresses(t *testing.T) {
	t.Parallel()
	m := newAckMesh(t)
	s := m.store(t, m.towers...)
	l := m.acknowledge(t, s, -1)
	s.doors[l.door].Close() // that address is gone
	l.conn.Close()
	m.acknowledge(t, s, 1-l.door)
	m.check(t)
}

// TestOneLinkForOneStore: a store that two towers announce under two addresses
// is dialled once.
func TestOneLinkForOneStore(t *testing.T) {
	t.Parallel()
	m := newAckMesh(t)
	s := m.store(t, m.towers...)
	m.acknowledge(t, s, -1)
	// Long enough for a second link to come, if there were one to come.
	deadline := time.Now().Add(scaled(500*time.Millisecond, 3*time.Second))
	for time.Now().Before(deadline) {
		s.mu.Lock()
		n := len(s.links)
		s.mu.Unlock()
		if n != 1 {
			t.Fatalf("%d links to one store", n)
		}
		<-time.After(10 * time.Millisecond)
	}
	m.check(t)
}
