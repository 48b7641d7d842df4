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
		{"producer crash", h.crashProducer},
		{"producer restart", h.restartProducer},
		{"consumer crash", h.crashConsumer},
		{"consumer restart", h.restartConsumer},
		{"host stopped", h.stopHost},
		{"host resumed", h.resumeHost},
		{"host resumed", h.resumeHost},
		{"machine slow", h.slowMachine},
		{"consumer lazy", h.lazyConsumer},
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

func (h *history) cutConnection() bool {
	if len(h.hosts) == 0 {
		return false
	}
	host := pick(h.World, h.hosts)
	if len(host.conns) == 0 {
		return false
	}
	pick(h.World, host.conns).cut()
	return true
}

func (h *history) cutHost() bool {
	if len(h.hosts) == 0 {
		return false
	}
	for _, c := range pick(h.World, h.hosts).conns {
		c.cut()
	}
	return true
}

// pair returns two different machines that are up.
func (h *history) pair() (a, b *machine, ok bool) {
	if len(h.hosts) < 2 {
		return nil, nil, false
	}
	a, b = pick(h.World, h.hosts).machine, pick(h.World, h.hosts).machine
	return a, b, a != b
}

func (h *history) partition() bool {
	a, b, ok := h.pair()
	if ok {
		h.blocked[[2]*machine{a, b}], h.blocked[[2]*machine{b, a}] = true, true
		h.tracef("%s and %s do not reach each other", a.name, b.name)
	}
	return ok
}

func (h *history) oneWay() bool {
	a, b, ok := h.pair()
	if ok {
		h.blocked[[2]*machine{a, b}] = true
		h.tracef("%s does not reach %s", a.name, b.name)
	}
	return ok
}

func (h *history) unpartition() bool {
	if len(h.blocked) == 0 {
		return false
	}
	clear(h.blocked)
	h.releaseStuck()
	return true
}

func (h *history) crashStore() bool {
	b := pick(h.World, h.stores)
	if b.store == nil {
		return false
	}
	b.crash(false)
	return true
}

func (h *history) wipeStore() bool {
	b := pick(h.World, h.stores)
	if b.store == nil || h.wipes == 0 {
		return false
	}
	h.wipes--
	b.crash(true)
	return true
}

func (h *history) restartStore() bool {
	b := pick(h.World, h.stores)
	if b.host != nil {
		return false
	}
	b.start()
	return true
}

func (h *history) crashProducer() bool {
	b := pick(h.World, h.producers)
	if b.host == nil {
		return false
	}
	b.crash()
	return true
}

func (h *history) restartProducer() bool {
	b := pick(h.World, h.producers)
	if b.host != nil {
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

func (h *history) restartConsumer() bool {
	b := pick(h.World, h.consumers)
	if b.host != nil {
		return false
	}
	b.start()
	return true
}

func (h *history) joinConsumer() bool {
	if len(h.consumers) >= 5 {
		return false
	}
	h.consumers = append(h.consumers, h.newConsumer("joiner", false, h.topics))
	return true
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
