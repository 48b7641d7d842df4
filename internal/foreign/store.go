package foreign

import (
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/foreign/habit"
	"github.com/beckmesh/beck/internal/zmtp"
)

// Store is the two nodes of a C store.
type Store struct {
	// Writer takes records, and sends FETCH and ACK.
	Writer *Node
	// Reader answers FETCH, GET-HEADS and hellos.
	Reader *Node

	mu    sync.Mutex
	habit habit.Store
}

// NewStore returns a store that has joined nothing yet.
func NewStore(t testing.TB) *Store {
	s := &Store{Writer: New(t), Reader: New(t)}
	s.habit.Writer = habit.Node{UUID: s.Writer.UUID, Send: s.Writer.send}
	s.habit.Reader = habit.Node{UUID: s.Reader.UUID, Send: s.Reader.send}
	writer, reader := s.habit.Wants()
	s.Writer.Type = zmtp.Pub
	s.Writer.Want(writer...)
	s.Writer.OnMessage = s.write
	s.Reader.Want(reader...)
	s.Reader.OnMessage = s.read
	s.Reader.OnSubscribe = s.habit.Subscribed
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
	for _, c := range contents {
		s.habit.Fill(habit.Partition{Topic: topic, Producer: producer}, []byte(c))
	}
}

// Lose makes the store answer nothing that begins below first.
func (s *Store) Lose(topic, producer string, first uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.habit.Lose(habit.Partition{Topic: topic, Producer: producer}, first)
}

// Len returns how many records the store has of a partition.
func (s *Store) Len(topic, producer string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.habit.Len(habit.Partition{Topic: topic, Producer: producer})
}

func (s *Store) write(m Message) {
	if m.Err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.habit.Write(&m.Message, m.Content)
}

func (s *Store) read(m Message) {
	if m.Err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.habit.Read(&m.Message)
}
