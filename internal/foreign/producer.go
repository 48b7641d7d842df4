package foreign

import (
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/foreign/habit"
	"github.com/beckmesh/beck/internal/zmtp"
)

// Producer is a node that answers FETCH as the C producer does, wrongly.
type Producer struct {
	*Node
	Topic string

	mu    sync.Mutex
	habit habit.Producer
}

// NewProducer returns a producer of one topic that has joined nothing yet.
func NewProducer(t testing.TB, topic string) *Producer {
	p := &Producer{Node: New(t), Topic: topic}
	p.habit = habit.Producer{UUID: p.UUID, Topic: topic, Send: p.send}
	p.Type = zmtp.Pub
	p.Want(p.habit.Wants()...)
	p.OnMessage = p.message
	return p
}

// send is Node.Publish, for the habits.
func (n *Node) send(frames ...[]byte) { n.Publish(frames...) }

// Publish sends the next record to whoever listens.
func (p *Producer) Publish(content string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.habit.Publish([]byte(content))
}

// Keep takes the next record and sends it to nobody, as if it was lost on every
// link. It returns its sequence.
func (p *Producer) Keep(content string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.habit.Keep([]byte(content))
}

// Head announces the last record.
func (p *Producer) Head() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.habit.Head()
}

// Acked returns how many records are acknowledged.
func (p *Producer) Acked() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.habit.Acked()
}

// Wrong returns how many records were sent with the content of another.
func (p *Producer) Wrong() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.habit.Wrong()
}

func (p *Producer) message(m Message) {
	if m.Err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.habit.Receive(&m.Message)
}
