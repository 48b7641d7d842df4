package foreign

import (
	"strings"
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Store is the two nodes of a C store.
type Store struct {
	// Writer takes records, and sends FETCH and ACK.
	Writer *Node
	// Reader answers FETCH, GET-HEADS and hellos.
	Reader *Node

	mu         sync.Mutex
	partitions map[partition][][]byte
	missing    map[partition]uint64
}

type partition struct{ topic, producer string }

// NewStore returns a store that has joined nothing yet.
func NewStore(t testing.TB) *Store {
	s := &Store{Writer: New(t), Reader: New(t), partitions: make(map[partition][][]byte), missing: make(map[partition]uint64)}
	s.Writer.Type = zmtp.Pub
	s.Writer.Want(s.Writer.Self(protocol.KindDirectRecord), "M", "H")
	s.Writer.OnMessage = s.write
	s.Reader.Want("F", "G", s.Reader.Self(protocol.KindConsumerHello))
	s.Reader.OnMessage = s.read
	s.Reader.OnSubscribe = s.greet
	return s
}

// Join has both nodes join a tower.
func (s *Store) Join(sub, pub string) {
	s.Writer.Join(sub, pub)
	s.Reader.Join(sub, pub)
}

// Leave ends both nodes.
func (s *Store) Leave() {
	s.Writer.Leave()
	s.Reader.Leave()
}

// Fill gives the store a partition without a producer.
func (s *Store) Fill(topic, producer string, contents ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := partition{topic, producer}
	for _, c := range contents {
		s.partitions[p] = append(s.partitions[p], []byte(c))
	}
}

// Lose makes the store answer nothing that begins below first.
func (s *Store) Lose(topic, producer string, first uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missing[partition{topic, producer}] = first
}

// Len returns how many records the store has of a partition.
func (s *Store) Len(topic, producer string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.partitions[partition{topic, producer}])
}

// write is the writer: it takes what comes next, and asks for what is missing.
func (s *Store) write(m Message) {
	if m.Err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := partition{string(m.Subject), string(m.Sender)}
	next := uint64(len(s.partitions[p]))
	record := m.Kind.HasContent()
	switch {
	case record && m.Sequence == next:
		s.partitions[p] = append(s.partitions[p], m.Content)
		s.Writer.Publish(protocol.AppendAck(nil, p.producer, p.topic, next))
	case m.Sequence >= next && (record || m.Kind == protocol.KindHead):
		s.Writer.Publish(protocol.AppendFetch(nil, p.producer, s.Writer.UUID, p.topic, next, fetchCount(next)))
	}
}

// fetchCount is how many records a C node asks for: up to the next multiple of
// 100,000.
func fetchCount(first uint64) uint32 { return uint32(100_000 - first%100_000) }

// read is the reader.
func (s *Store) read(m Message) {
	if m.Err != nil || string(m.Sender) == s.Writer.UUID {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.Kind {
	case protocol.KindFetch:
		s.serve(m)
	case protocol.KindGetHeads:
		s.heads(string(m.Sender), string(m.To))
	case protocol.KindConsumerHello:
		for _, t := range m.Topics {
			s.heads(string(m.Sender), string(t))
		}
	}
}

// serve answers with one record more than was asked for, or with nothing.
func (s *Store) serve(m Message) {
	p := partition{string(m.Subject), string(m.To)}
	records := s.partitions[p]
	if m.Sequence < s.missing[p] || m.Sequence >= uint64(len(records)) {
		return
	}
	for seq := m.Sequence; seq <= m.Sequence+uint64(m.Count) && seq < uint64(len(records)); seq++ {
		s.Reader.Publish(protocol.AppendDirectRecord(nil, string(m.Sender), p.producer, p.topic, seq), records[seq])
	}
}

// heads lists the topics that begin with a name.
func (s *Store) heads(requester, topic string) {
	for p, records := range s.partitions {
		if strings.HasPrefix(p.topic, topic) {
			s.Reader.Publish(protocol.AppendDirectHead(nil, requester, p.producer, p.topic, uint64(len(records))-1))
		}
	}
}

// greet answers a consumer that subscribed to be greeted.
func (s *Store) greet(prefix string) {
	k, to, _ := protocol.SplitSubscription([]byte(prefix))
	if k == protocol.KindStoreHello && len(to) > 0 {
		s.Reader.Publish(protocol.AppendStoreHello(nil, string(to), s.Reader.UUID))
	}
}
