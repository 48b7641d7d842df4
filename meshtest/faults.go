package meshtest

import (
	"github.com/beckmesh/beck/store"
)

// kept is a store of the mesh, and how it was started.
type kept struct {
	config store.Config
	store  *store.Store
}

// keep starts a store and notes it.
func (m *Mesh) keep(k *kept) *store.Store {
	m.t.Helper()
	s := m.startStore(k.config)
	k.store = s
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stores = append(m.stores, k)
	return s
}

func (m *Mesh) startStore(c store.Config) *store.Store {
	m.t.Helper()
	s, err := store.Start(c)
	if err != nil {
		m.t.Fatalf("meshtest: start a store: %v", err)
	}
	m.t.Cleanup(func() { s.Close() })
	return s
}

// Stores returns the stores that the mesh has started, in their order. One that
// was killed and not restarted is among them.
func (m *Mesh) Stores() []*store.Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	var stores []*store.Store
	for _, k := range m.stores {
		stores = append(stores, k.store)
	}
	return stores
}

// find returns how the store was started.
func (m *Mesh) find(s *store.Store) *kept {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.stores {
		if k.store == s {
			return k
		}
	}
	m.t.Fatal("meshtest: the store was not started by this mesh, or has been restarted since")
	return nil
}

// KillStore ends a store that the mesh started. In memory its links break first,
// so that nothing it does at its end is heard by anybody, as when its machine
// loses the network and is then switched off. What it has acknowledged is on its
// disk; of what it has not, all or a part may be.
func (m *Mesh) KillStore(s *store.Store) {
	m.t.Helper()
	m.find(s)
	if m.net != nil {
		if err := m.net.Split(s.Address()); err != nil {
			m.t.Fatalf("meshtest: kill a store: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		m.t.Fatalf("meshtest: kill a store: %v", err)
	}
}

// RestartStore starts a store again on its directory, with the settings it had,
// and returns it; s is not to be used any more. It kills s first if that was not
// done. It is part of the mesh even if s was partitioned.
func (m *Mesh) RestartStore(s *store.Store) *store.Store {
	m.t.Helper()
	k := m.find(s)
	m.KillStore(s)
	again := m.NodeConfig() // a host of its own: that of s is cut off
	k.config.Listen, k.config.Host = again.Listen, again.Host
	started := m.startStore(k.config)
	m.mu.Lock()
	defer m.mu.Unlock()
	k.store = started
	return started
}

// KillTower ends the tower. Nodes that have met go on without it; others do not
// meet until RestartTower.
func (m *Mesh) KillTower() { m.Tower().Close() }

// RestartTower starts a new tower in the old one's place, which it kills first if
// that was not done.
func (m *Mesh) RestartTower() {
	m.t.Helper()
	old := m.Tower()
	old.Close()
	m.startTower(old.Sub(), old.Pub())
}

// Node is a member of a mesh that has an address: a producer, a consumer or a
// store.
type Node interface{ Address() string }

// Partition cuts the mesh in two: the given nodes on one side, all others and
// the tower on the other. Links between the sides break at once, and none can
// be made until Heal. A second Partition takes further nodes away from both
// sides. The nodes may be such that the mesh started, and such that were started
// with settings of this mesh. It fails the test with OnPorts.
func (m *Mesh) Partition(nodes ...Node) {
	m.t.Helper()
	if m.net == nil {
		m.t.Fatal("meshtest: a mesh on ports cannot be partitioned")
	}
	var addresses []string
	for _, n := range nodes {
		addresses = append(addresses, n.Address())
	}
	if err := m.net.Split(addresses...); err != nil {
		m.t.Fatalf("meshtest: partition: %v", err)
	}
}

// Heal ends all partitions. The nodes find each other again by themselves, which
// takes them up to a second.
func (m *Mesh) Heal() {
	if m.net != nil {
		m.net.Join()
	}
}
