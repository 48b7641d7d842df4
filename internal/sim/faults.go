package sim

import "time"

// fault lets one thing go wrong, or one thing that went wrong end.
func (h *history) fault() {
	faults := []struct {
		name string
		do   func() bool // false: not possible now
	}{
		{"connection cut", h.cutConnection},
		{"all connections of a host cut", h.cutHost},
		{"partition", h.partition},
		{"one-way cut", h.oneWay},
		{"partition healed", h.unpartition},
		{"store crash", h.crashStore},
		{"store wiped", h.wipeStore},
		{"store restart", h.restartStore},
		{"store restart", h.restartStore},
		{"purge", h.purge},
		{"disk full", h.fillDisk},
		{"disk has room", h.emptyDisk},
		{"disk damaged", h.damageDisk},
		{"disk damaged", h.damageDisk},
		{"sync failed", h.failSync},
		{"producer crash", h.crashProducer},
		{"producer restart", h.restartProducer},
		{"stale ACK", h.staleAck},
		{"ACK twice", h.sameAck},
		{"consumer crash", h.crashConsumer},
		{"consumer restart", h.restartConsumer},
		{"C node crash", h.crashForeign},
		{"C node restart", h.restartForeign},
		{"host stopped", h.stopHost},
		{"host resumed", h.resumeHost},
		{"host resumed", h.resumeHost},
		{"machine slow", h.slowMachine},
		{"consumer lazy", h.lazyConsumer},
		{"consumer seeks", h.seekConsumer},
		{"consumer pauses", h.pauseConsumer},
		{"tower down", h.towerDown},
		{"tower up", h.towerUp},
		{"new consumer", h.joinConsumer},
	}
	for range 5 {
		if f := pick(h.World, faults); f.do() {
			h.Faults[f.name]++
			h.tracef("fault: %s", f.name)
			return
		}
	}
}

func (h *history) crashProducer() bool {
	b := pick(h.World, h.producers)
	if b.host == nil {
		return false
	}
	b.crash()
	return true
}

func (h *history) restartProducer() bool { return restart(pick(h.World, h.producers)) }

// restart starts the process of a machine that has none.
func restart(b box) bool {
	if b.process() != nil {
		return false
	}
	b.start()
	return true
}

func (h *history) crashConsumer() bool {
	b := pick(h.World, h.consumers)
	if b.host == nil {
		return false
	}
	b.crash()
	return true
}

func (h *history) restartConsumer() bool { return restart(pick(h.World, h.consumers)) }

func (h *history) joinConsumer() bool {
	if len(h.consumers) >= 5 {
		return false
	}
	h.consumers = append(h.consumers, h.newConsumer("joiner", false, h.topics))
	return true
}

func (h *history) crashForeign() bool {
	all := h.foreign()
	if len(all) == 0 {
		return false
	}
	b := pick(h.World, all)
	if b.process() == nil {
		return false
	}
	b.(interface{ crash() }).crash()
	return true
}

func (h *history) restartForeign() bool {
	all := h.foreign()
	return len(all) > 0 && restart(pick(h.World, all))
}

func (h *history) stopHost() bool {
	if len(h.hosts) == 0 {
		return false
	}
	host := pick(h.World, h.hosts)
	if host.stopped {
		return false
	}
	h.tracef("%s is stopped", host.machine.name)
	host.stop()
	return true
}

func (h *history) resumeHost() bool {
	if len(h.hosts) == 0 {
		return false
	}
	host := pick(h.World, h.hosts)
	if !host.stopped {
		return false
	}
	host.resume()
	return true
}

func (h *history) slowMachine() bool {
	if len(h.hosts) == 0 {
		return false
	}
	m := pick(h.World, h.hosts).machine
	m.slow = true
	h.after(h.between(100*time.Millisecond, 5*time.Second), func() { m.slow = false })
	return true
}

func (h *history) lazyConsumer() bool {
	b := pick(h.World, h.consumers)
	b.lazy = !b.lazy
	return true
}

func (h *history) towerDown() bool {
	t := pick(h.World, h.towers)
	if !t.up {
		return false
	}
	t.stop()
	return true
}

func (h *history) towerUp() bool {
	t := pick(h.World, h.towers)
	if t.up {
		return false
	}
	t.start()
	return true
}
