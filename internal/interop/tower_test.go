//go:build unix

package interop

import "testing"

// TestInteropTower has the C tower introduce our nodes, and each C node to one
// of ours. It passes on no more than address and endpoint, so our nodes know of
// each other only by their links.
func TestInteropTower(t *testing.T) {
	t.Run("our producer, store and consumer", func(t *testing.T) {
		need(t, cTower)
		m := newMesh(t, cTower)
		text := sourceLines(t, "stored", 50_000)
		m.store(ours)
		live := m.replay(ours)
		m.produce(ours, text)
		expect(t, live, text)
		c := m.node("consume", topic, "--from-beginning", "-e")
		c.finish()
		same(t, c.name, printed(c, "stored"), text)
	})
	t.Run("our producer, C store, our consumer", func(t *testing.T) {
		need(t, cTower, cStore)
		m := newMesh(t, cTower)
		text := sourceLines(t, "stored", fewLines)
		m.store(cStore)
		m.produce(ours, text)
		c := m.node("consume", topic, "--from-beginning", "-e")
		c.finish()
		same(t, c.name, printed(c, "stored"), text)
	})
	t.Run("C producer, our store, C consumer", func(t *testing.T) {
		need(t, cTower, cProducer, cConsumer)
		m := newMesh(t, cTower)
		text := sourceLines(t, "stored", fewLines)
		m.store(ours)
		m.produce(cProducer, text)
		expect(t, m.replay(cConsumer), text)
	})
}
