package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
)

const (
	chaosTime = 15 * time.Second
	healTime  = 20 * time.Second // by when everything that was acknowledged must have arrived
)

// history is a mesh and what happens to it.
type history struct {
	*World
	producers []*producerBox
	consumers []*consumerBox

	cProducers []*cProducer
	cConsumers []*cConsumer

	topics []string
	acks   int
	wipes  int // disks that may still be lost
}

// Run plays the history of a seed, and returns its world for a look at what
// happened; verbose traces what the nodes log as well. World.Err tells whether a
// promise was broken.
func Run(seed int64, verbose bool) *World {
	w := newWorld(seed)
	if verbose {
		w.verbose()
	}
	h := &history{World: w}
	h.build()
	h.after(0, h.watch)
	h.chaos()
	if w.failed == nil {
		h.heal()
	}
	h.end()
	return w
}

func (h *history) build() {
	w := h.World
	h.newTower(false)
	if h.chance(0.5) {
		h.newTower(h.chance(0.5))
	}
	h.topics = []string{"alpha", "beta", "alphabet"}[:1+h.rng.Intn(3)]
	stores := 1 + h.rng.Intn(3)
	h.chooseRetention(stores)
	for i := range stores {
		w.newStore(storeName(i))
	}
	h.acks = 1 + h.rng.Intn(stores)
	h.wipes = h.acks - 1
	for i := range 1 + h.rng.Intn(3) {
		h.producers = append(h.producers, w.newProducer(fmt.Sprintf("producer-%d", i), h.acks, 50+h.rng.Intn(1000), h.topics))
	}
	for i := range 1 + h.rng.Intn(2) {
		h.consumers = append(h.consumers, w.newConsumer(fmt.Sprintf("consumer-%d", i), false, h.topics))
	}
	if !h.retain.drops() && h.chance(1./3) {
		h.buildForeign()
	}
}

// buildForeign adds C nodes. A C store's ACK counts as one of k, but k is no more
// than there are stores of ours: a C store does not repeat an ACK that was lost,
// and a producer that needs it may wait for ever.
func (h *history) buildForeign() {
	h.Faults["history with C nodes"]++
	if h.chance(0.5) {
		h.newCStore("c-store")
	}
	if h.chance(0.6) {
		h.cProducers = append(h.cProducers, h.newCProducer("c-producer", pick(h.World, h.topics), 50+h.rng.Intn(500)))
		h.misled = len(h.cStores) > 0
	}
	if h.chance(0.6) {
		h.cConsumers = append(h.cConsumers, h.newCConsumer("c-consumer", h.topics))
	}
}

// boxes returns all machines.
func (h *history) boxes() (all []box) {
	all = appendBoxes(all, h.stores)
	all = appendBoxes(all, h.producers)
	all = appendBoxes(all, h.consumers)
	return append(all, h.foreign()...)
}

// foreign returns the machines of C nodes.
func (h *history) foreign() (all []box) {
	all = appendBoxes(all, h.cStores)
	all = appendBoxes(all, h.cProducers)
	return appendBoxes(all, h.cConsumers)
}

func appendBoxes[B box](all []box, some []B) []box {
	for _, b := range some {
		all = append(all, b)
	}
	return all
}

// chaos lets faults happen for a while.
func (h *history) chaos() {
	end := h.elapsed + chaosTime
	for h.elapsed < end && h.failed == nil {
		h.run(h.between(10*time.Millisecond, 1500*time.Millisecond))
		h.fault()
	}
}

// end closes what holds memory outside the world.
func (h *history) end() {
	for _, b := range h.stores {
		if b.store != nil {
			b.host.crash()
			if err := b.store.Close(); err != nil && !errors.Is(err, blocklog.ErrSync) && !errors.Is(err, errSync) {
				h.failf("%s: close: %v", b.m.name, err)
			}
		}
	}
	for _, host := range slices.Clone(h.hosts) {
		host.crash()
	}
}
