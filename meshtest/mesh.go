package meshtest

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/network"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
)

// Mesh is a tower, its stores, and whoever joins them. Its methods fail the test
// of New when they cannot do what they say; call those that may fail from the
// goroutine of the test. The rest may be called by any goroutine.
type Mesh struct {
	t     testing.TB
	set   settings
	net   *network.Memory // nil with OnPorts
	tower atomic.Pointer[tower.Tower]

	mu     sync.Mutex
	stores []*kept
	writer *producer.Producer // of Publish
}

// New starts a mesh, which ends with the test. It fails the test if it cannot.
func New(t testing.TB, options ...Option) *Mesh {
	t.Helper()
	set := settings{stores: 1, patience: defaultPatience, logger: logTo(t, slog.LevelWarn)}
	for _, o := range options {
		o(&set)
	}
	set.check(t)
	m := &Mesh{t: t, set: set}
	if !set.ports {
		m.net = network.NewMemory()
	}
	free := "tcp://" + m.host() + ":0"
	m.startTower(free, free)
	for i := range set.stores {
		dir := ""
		if set.dir != "" {
			dir = filepath.Join(set.dir, "store-"+strconv.Itoa(i))
		}
		m.Store(dir)
	}
	return m
}

// startTower starts a tower that binds sub and pub.
func (m *Mesh) startTower(sub, pub string) {
	m.t.Helper()
	c := tower.DefaultConfig()
	c.Sub, c.Pub, c.Logger = sub, pub, m.set.logger
	t, err := tower.Start(c)
	if err != nil {
		m.t.Fatalf("meshtest: %v", err)
	}
	m.t.Cleanup(func() { t.Close() })
	m.tower.Store(t)
}

// lastHost numbers the hosts of all meshes in memory. They are addresses of
// 127.0.0.0/8, which lead nowhere should one ever reach the machine's network.
var lastHost atomic.Uint32

const (
	firstHost  = 127<<24 | 64<<16 // 127.64.0.0
	countHosts = 1 << 22          // up to 127.127.255.255
)

// host returns a host to listen at: one of its own in memory, until the test
// ends, or the machine's loopback address.
func (m *Mesh) host() string {
	if m.net == nil {
		return "127.0.0.1"
	}
	n := firstHost + lastHost.Add(1)%countHosts
	ip := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	m.t.Cleanup(network.Register(ip.String(), m.net.Host(ip)))
	return ip.String()
}

// NodeConfig returns the settings with which a node joins this mesh. Each call
// makes a host of its own, which Partition can take away from the others.
func (m *Mesh) NodeConfig() beck.NodeConfig {
	host, t := m.host(), m.Tower()
	c := beck.NodeConfig{
		Sub: []string{t.Sub()}, Pub: []string{t.Pub()},
		Listen: host + ":0", Logger: m.set.logger,
	}
	if m.net != nil {
		c.Host = host
	}
	return c
}

// ProducerConfig returns the default settings of a producer in this mesh, for
// code under test that starts its own; it has to close it, too. In a mesh
// without stores MinStoreAcks is 0.
func (m *Mesh) ProducerConfig() producer.Config {
	c := producer.DefaultConfig()
	c.NodeConfig = m.NodeConfig()
	if m.set.stores == 0 {
		c.MinStoreAcks = 0
	}
	return c
}

// ConsumerConfig returns the settings of a consumer in this mesh that reads
// topics from their beginning.
func (m *Mesh) ConsumerConfig(topics ...string) consumer.Config {
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics, c.Start = m.NodeConfig(), topics, consumer.Earliest
	return c
}

// Tower returns the mesh's tower. With OnPorts, its Sub and Pub are what other
// programs are told: --sub and --pub.
func (m *Mesh) Tower() *tower.Tower { return m.tower.Load() }

// Context returns a context that ends with the test, or with its patience.
func (m *Mesh) Context() context.Context {
	ctx, cancel := context.WithTimeout(m.t.Context(), m.set.patience)
	m.t.Cleanup(cancel)
	return ctx
}

// Producer starts a producer that ends with the test; edits change its settings
// first.
func (m *Mesh) Producer(edits ...func(*producer.Config)) *producer.Producer {
	m.t.Helper()
	c := m.ProducerConfig()
	for _, edit := range edits {
		edit(&c)
	}
	p, err := producer.Start(c)
	if err != nil {
		m.t.Fatalf("meshtest: start a producer: %v", err)
	}
	m.t.Cleanup(func() { p.Close() })
	return p
}

// Consumer starts a consumer of topics from their beginning, which ends with the
// test.
func (m *Mesh) Consumer(topics ...string) *consumer.Consumer {
	m.t.Helper()
	return m.ConsumerWith(func(*consumer.Config) {}, topics...)
}

// ConsumerWith is Consumer with settings that edit has changed.
func (m *Mesh) ConsumerWith(edit func(*consumer.Config), topics ...string) *consumer.Consumer {
	m.t.Helper()
	c := m.ConsumerConfig(topics...)
	edit(&c)
	con, err := consumer.Start(c)
	if err != nil {
		m.t.Fatalf("meshtest: start a consumer: %v", err)
	}
	m.t.Cleanup(func() { con.Close() })
	return con
}

// Store starts one more store on dir, or on a directory that ends with the test
// when dir is "". It ends with the test; edits change its settings first.
func (m *Mesh) Store(dir string, edits ...func(*store.Config)) *store.Store {
	m.t.Helper()
	c := store.DefaultConfig()
	if c.Dir = dir; dir == "" {
		c.Dir = m.t.TempDir()
	}
	c.NodeConfig = m.NodeConfig()
	for _, edit := range m.set.editStore {
		edit(&c)
	}
	for _, edit := range edits {
		edit(&c)
	}
	return m.keep(&kept{config: c})
}
