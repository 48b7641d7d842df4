// Package habit is what the nodes of C Dafka make of messages, with the faults
// that were seen of the C programs: a Producer, a Store and a Consumer that are
// told what came and send what a C node would. They know nothing of connections,
// clocks or locks, so that the same habits are played on sockets, by package
// foreign, and in simulated meshes.
package habit

import "github.com/beckmesh/beck/protocol"

// Send publishes a message to everybody who subscribed to it.
type Send func(frames ...[]byte)

// Partition names what one producer writes to one topic.
type Partition struct{ Topic, Producer string }

func partitionOf(m *protocol.Message) Partition {
	return Partition{string(m.Subject), string(m.Sender)}
}

// fetchCount is how many records a C node asks for: up to the next multiple of
// 100,000.
func fetchCount(first uint64) uint32 { return uint32(100_000 - first%100_000) }
