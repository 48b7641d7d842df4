//go:build unix

package interop

import (
	"fmt"
	"testing"
	"time"
)

// TestInteropLive has no store: records go from producer to consumer as they
// are published. The tower is ours.
func TestInteropLive(t *testing.T) {
	for _, pairing := range []struct{ name, producer, consumer string }{
		{"ours, C consumer", ours, cConsumer},
		{"C producer, ours", cProducer, ours},
		{"C producer, C consumer", cProducer, cConsumer},
	} {
		t.Run(pairing.name, func(t *testing.T) {
			need(t, foreignOf(pairing.producer, pairing.consumer)...)
			m := newMesh(t, ours)
			text := sourceLines(t, "live", 50_000)
			c := m.replay(pairing.consumer)
			p := m.producer(pairing.producer)
			link(p, c)
			p.write(text)
			expect(t, c, text)
		})
	}
}

// link publishes a line now and then until the consumer prints one: from then on
// it hears everything.
func link(p, c *process) {
	n := 0
	next := time.Now()
	c.until("a line of "+p.name, func() bool {
		if now := time.Now(); now.After(next) && n < 200 { // a C producer serves 256 again
			p.write(fmt.Sprintf("warm %d\n", n))
			n++
			next = now.Add(100 * time.Millisecond)
		}
		return c.out.contains("warm ")
	})
}

// TestInteropPrefix publishes to "hello2": C consumers and stores subscribe by
// prefix, ours to one topic exactly.
func TestInteropPrefix(t *testing.T) {
	need(t, cProducer)
	m := newMesh(t, ours)
	c := m.replay(ours)
	other, p := m.foreign(cProducer, topic+"2"), m.producer(cProducer)
	for i := range 100 {
		other.write(fmt.Sprintf("other %d\n", i))
	}
	link(p, c)
	other.write("other 100\n")
	p.write("live 0\nlive 1\n")
	expect(t, c, "live 0\nlive 1\n")
	if got := printed(c, "other"); got != "" {
		t.Errorf("%s has records of %s2: %s", topic, topic, got)
	}
}
