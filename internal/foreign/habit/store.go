package habit

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/beckmesh/beck/protocol"
)

// Store is two nodes: a writer that takes records, and sends FETCH and ACK, and
// a reader that answers FETCH, GET-HEADS and hellos. It acknowledges at once,
// answers with one record more than asked for, says nothing when it lacks the
// first, and ends no list.
type Store struct {
	Writer, Reader Node

	partitions map[Partition][][]byte
	missing    map[Partition]uint64
}

// Node is one of a store's nodes.
type Node struct {
	UUID string
	Send Send
}

// Wants returns what the writer and the reader subscribe to.
func (s *Store) Wants() (writer, reader []string) {
	return []string{To(protocol.KindDirectRecord, s.Writer.UUID), "M", "H"},
		[]string{"F", "G", To(protocol.KindConsumerHello, s.Reader.UUID)}
}

// Fill gives the store records without a producer.
func (s *Store) Fill(p Partition, contents ...[]byte) {
	if s.partitions == nil {
		s.partitions = make(map[Partition][][]byte)
	}
	s.partitions[p] = append(s.partitions[p], contents...)
}

// Lose makes the store answer nothing that begins below first.
func (s *Store) Lose(p Partition, first uint64) {
	if s.missing == nil {
		s.missing = make(map[Partition]uint64)
	}
	s.missing[p] = first
}

// Len returns how many records the store has of a partition.
func (s *Store) Len(p Partition) int { return len(s.partitions[p]) }

// Write has the writer take a message, with the content of a record: it keeps
// what comes next, and asks for what is missing.
func (s *Store) Write(m *protocol.Message, content []byte) {
	p := partitionOf(m)
	next := uint64(len(s.partitions[p]))
	record := m.Kind.HasContent()
	switch {
	case record && m.Sequence == next:
		s.Fill(p, bytes.Clone(content))
		s.Writer.Send(protocol.AppendAck(nil, p.Producer, p.Topic, next))
	case m.Sequence >= next && (record || m.Kind == protocol.KindHead):
		s.Writer.Send(protocol.AppendFetch(nil, p.Producer, s.Writer.UUID, p.Topic, next, fetchCount(next)))
	}
}

// Read has the reader take a message.
func (s *Store) Read(m *protocol.Message) {
	if string(m.Sender) == s.Writer.UUID {
		return
	}
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
func (s *Store) serve(m *protocol.Message) {
	p := Partition{string(m.Subject), string(m.To)}
	records := s.partitions[p]
	if m.Sequence < s.missing[p] || m.Sequence >= uint64(len(records)) {
		return
	}
	for seq := m.Sequence; seq <= m.Sequence+uint64(m.Count) && seq < uint64(len(records)); seq++ {
		s.Reader.Send(protocol.AppendDirectRecord(nil, string(m.Sender), p.Producer, p.Topic, seq), records[seq])
	}
}

// heads lists the topics that begin with a name.
func (s *Store) heads(requester, topic string) {
	sorted := slices.SortedFunc(maps.Keys(s.partitions), func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Producer, b.Producer))
	})
	for _, p := range sorted {
		if n := uint64(len(s.partitions[p])); n > 0 && strings.HasPrefix(p.Topic, topic) {
			s.Reader.Send(protocol.AppendDirectHead(nil, requester, p.Producer, p.Topic, n-1))
		}
	}
}

// Subscribed has the reader greet a consumer that subscribed to be greeted.
func (s *Store) Subscribed(prefix string) {
	k, to, _ := protocol.SplitSubscription([]byte(prefix))
	if k == protocol.KindStoreHello && len(to) > 0 {
		s.Reader.Send(protocol.AppendStoreHello(nil, string(to), s.Reader.UUID))
	}
}
