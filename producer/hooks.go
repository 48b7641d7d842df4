package producer

import (
	"maps"
	"slices"
	"strings"

	"github.com/beckmesh/beck/internal/core"
)

// Ack is what a store has of what a producer published.
type Ack struct {
	Topic  string
	Store  string // the store's address
	Next   uint64 // it has everything before this offset on disk
	Stored uint64 // MinStoreAcks stores have everything before this offset; 0 with MinStoreAcks 0
}

// Drop is what left the window before a link had it. Whoever missed it fetches it
// from a store, if one has it.
type Drop struct {
	Peer    string // the address of the node; "" for one that has not said who it is
	Records uint64
}

// told is what hooks are still to be told, summed up. The node's lock guards it.
type told struct {
	acks  map[ackKey]uint64
	drops map[string]uint64
}

type ackKey struct {
	log   *core.Log
	store string
}

// acked counts the store and has OnAck called. It needs the lock.
func (p *Producer) acked(log *core.Log, store string, next uint64) {
	if !p.ackers[store] {
		if p.ackers == nil {
			p.ackers = make(map[string]bool)
		}
		p.ackers[store] = true
	}
	if p.cfg.OnAck == nil {
		return
	}
	if p.told.acks == nil {
		p.told.acks = make(map[ackKey]uint64)
		p.node.HookSum(p.tellAcks)
	}
	k := ackKey{log, store}
	p.told.acks[k] = max(p.told.acks[k], next)
}

func (p *Producer) tellAcks() {
	p.node.Lock()
	var acks []Ack
	for k, next := range p.told.acks {
		a := Ack{Topic: k.log.Topic, Store: k.store, Next: next}
		if p.cfg.MinStoreAcks > 0 {
			a.Stored = k.log.Acked()
		}
		acks = append(acks, a)
	}
	p.told.acks = nil
	p.node.Unlock()
	slices.SortFunc(acks, func(a, b Ack) int { return strings.Compare(a.Topic+"\x00"+a.Store, b.Topic+"\x00"+b.Store) })
	for _, a := range acks {
		p.cfg.OnAck(a)
	}
}

// dropped has OnDrop called. It needs the lock.
func (p *Producer) dropped(peer string, records uint64) {
	if p.told.drops == nil {
		p.told.drops = make(map[string]uint64)
		p.node.HookSum(p.tellDrops)
	}
	p.told.drops[peer] += records
}

func (p *Producer) tellDrops() {
	p.node.Lock()
	drops := p.told.drops
	p.told.drops = nil
	p.node.Unlock()
	for _, peer := range slices.Sorted(maps.Keys(drops)) {
		p.cfg.OnDrop(Drop{peer, drops[peer]})
	}
}
