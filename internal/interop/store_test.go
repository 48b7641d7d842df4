//go:build unix

package interop

import "testing"

// storedLines is what goes through stores: more than one FETCH of 100,000
// records. A C consumer asks for no more of its own accord: our store leads it
// on, a C store does not.
const (
	storedLines = 150_000
	fewLines    = 20_000
)

// TestInteropStore has a producer write to a store and leave; then a consumer
// reads from the store. The tower is ours.
func TestInteropStore(t *testing.T) {
	for _, pairing := range []struct {
		name                      string
		producer, store, consumer string
		lines                     int
	}{
		{"ours, C store, ours", ours, cStore, ours, storedLines},
		{"ours, C store, C consumer", ours, cStore, cConsumer, fewLines},
		{"ours, our store, C consumer", ours, ours, cConsumer, storedLines},
		{"C producer, our store, ours", cProducer, ours, ours, storedLines},
		{"C producer, our store, C consumer", cProducer, ours, cConsumer, fewLines},
		{"C producer, C store, ours", cProducer, cStore, ours, storedLines},
		{"C producer, C store, C consumer", cProducer, cStore, cConsumer, fewLines},
	} {
		t.Run(pairing.name, func(t *testing.T) {
			need(t, foreignOf(pairing.producer, pairing.store, pairing.consumer)...)
			m := newMesh(t, ours)
			text := sourceLines(t, "stored", pairing.lines)
			m.store(pairing.store)
			m.produce(pairing.producer, text).kill()
			if pairing.consumer == ours {
				c := m.node("consume", topic, "--from-beginning", "-e")
				c.finish()
				same(t, c.name, printed(c, "stored"), text)
				return
			}
			expect(t, m.replay(cConsumer), text)
		})
	}
}

// foreignOf returns the C programs among programs.
func foreignOf(programs ...string) (foreign []string) {
	for _, p := range programs {
		if p != ours {
			foreign = append(foreign, p)
		}
	}
	return foreign
}
