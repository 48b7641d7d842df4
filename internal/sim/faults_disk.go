package sim

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

func (h *history) restartStore() bool { return restart(pick(h.World, h.stores)) }

// fillDisk leaves a store no room on its disk: commits wait, as package blocklog
// makes them, and everything else goes on.
func (h *history) fillDisk() bool {
	b := pick(h.World, h.stores)
	if b.store == nil || b.host.full {
		return false
	}
	b.host.full = true
	return true
}

func (h *history) emptyDisk() bool {
	b := pick(h.World, h.stores)
	if b.store == nil || !b.host.full {
		return false
	}
	b.calm()
	return true
}

// calm gives the disk room again.
func (b *storeBox) calm() {
	if b.host != nil && b.host.full {
		b.host.full = false
		b.host.Wake(nil)
	}
}

// damageDisk spoils a block of records while a store is down. The store does not
// have these records then, until it has fetched them again.
func (h *history) damageDisk() bool {
	b := pick(h.World, h.stores)
	if h.wipes == 0 || h.retain.drops() {
		return false
	}
	if b.store != nil {
		b.crash(false)
	}
	key, ok, err := b.disk.damage(h.World)
	if err != nil {
		h.failf("%s: damage: %v", b.m.name, err)
	}
	if ok {
		h.wipes--
		h.lost++
		h.tracef("%s: the block at %s is bad", b.m.name, key)
	}
	return ok
}

// failSync has the next sync of a store's log fail.
func (h *history) failSync() bool {
	b := pick(h.World, h.stores)
	if b.store == nil {
		return false
	}
	b.disk.failSync.Store(true)
	return true
}

// ended looks whether a store has stopped by itself. It is started again, as
// whoever runs it would, on what is on its disk.
func (b *storeBox) ended() {
	if b.store == nil {
		return
	}
	select {
	case <-b.store.Failed():
		b.world.Faults["store ended by a failed sync"]++
		b.crash(false)
		b.start()
	default:
	}
}
