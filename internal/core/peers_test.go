package core

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/beckmesh/beck/protocol"
)

// TestPeers runs the scripts in testdata/peers. Each command happens at=T after
// the start (default: the time of the command before), all wakes until then
// served, and prints the actions that followed and when the next wake is due.
func TestPeers(t *testing.T) {
	datadriven.Walk(t, "testdata/peers", func(t *testing.T, path string) {
		s := peersScript{now: peersEpoch}
		datadriven.RunTest(t, path, s.run)
	})
}

var peersEpoch = time.Unix(1_700_000_000, 0)

type peersScript struct {
	peers *Peers
	now   time.Time
}

func (s *peersScript) run(t *testing.T, d *datadriven.TestData) string {
	if d.HasArg("at") {
		s.advance(peersEpoch.Add(scanDuration(t, d, "at")))
	}
	switch d.Cmd {
	case "new":
		s.now = peersEpoch
		cfg := PeersConfig{Self: "SELF"}
		d.ScanArgs(t, "role", &cfg.SelfRole)
		d.ScanArgs(t, "towers", &cfg.Towers)
		d.MaybeScanArgs(t, "max-peers", &cfg.MaxPeers)
		d.MaybeScanArgs(t, "max-endpoints", &cfg.MaxEndpoints)
		s.peers = NewPeers(cfg, rand.New(rand.NewSource(1)))
		return ""
	case "tower-up":
		s.peers.TowerUp(scanInt(t, d, "tower"), s.now)
	case "tower-down":
		s.peers.TowerDown(scanInt(t, d, "tower"), s.now)
	case "list-end":
		s.peers.ListEnd(scanInt(t, d, "tower"), scanDuration(t, d, "age"), s.now)
	case "beacon":
		s.peers.Beacon(scanInt(t, d, "tower"), scanBeacon(t, d), s.now)
	case "linked":
		s.peers.Linked(scanString(t, d, "uuid"), scanString(t, d, "endpoint"), s.now)
	case "link-lost":
		s.peers.LinkLost(scanString(t, d, "uuid"), scanString(t, d, "endpoint"), s.now)
	case "dial-failed":
		s.peers.DialFailed(scanString(t, d, "uuid"), scanString(t, d, "endpoint"), s.now)
	case "tick":
		s.peers.Tick(s.now)
	case "wake": // to the next wake, which must lie ahead
		next := s.peers.NextWake()
		if !next.After(s.now) {
			t.Fatalf("%s: wake at %v is not ahead of %v", d.Pos, next.Sub(peersEpoch), s.now.Sub(peersEpoch))
		}
		s.now = next
		s.peers.Tick(s.now)
		return fmt.Sprintf("at %v\n%s", s.now.Sub(peersEpoch), s.outcome())
	case "introduced":
		return fmt.Sprintln(s.peers.Introduced(s.now))
	case "named":
		return fmt.Sprintln(s.peers.Named(s.now))
	case "all":
		return s.all()
	default:
		t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	}
	return s.outcome()
}

func (s *peersScript) advance(to time.Time) {
	for next := s.peers.NextWake(); !next.IsZero() && next.Before(to); next = s.peers.NextWake() {
		s.peers.Tick(next)
	}
	s.now = to
}

func (s *peersScript) outcome() string {
	var b strings.Builder
	for _, a := range s.peers.Actions() {
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprint(a.Op, " ", a.UUID, " ", a.Endpoint)))
	}
	if next := s.peers.NextWake(); next.IsZero() {
		fmt.Fprintln(&b, "wake never")
	} else {
		fmt.Fprintln(&b, "wake in", next.Sub(s.now).Round(time.Millisecond))
	}
	return b.String()
}

func (s *peersScript) all() string {
	var b strings.Builder
	for _, p := range s.peers.All() {
		fmt.Fprintf(&b, "%s %v linked=%v wanted=%v", p.UUID, p.Endpoints, p.Linked, p.Wanted)
		if p.Info != nil {
			fmt.Fprintf(&b, " role=%s started=%v", p.Info.Role, p.Started.Sub(peersEpoch))
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

func scanBeacon(t *testing.T, d *datadriven.TestData) protocol.TowerBeacon {
	b := protocol.TowerBeacon{UUID: scanString(t, d, "uuid"), Endpoint: scanString(t, d, "endpoint")}
	if d.HasArg("role") {
		b.Info = &protocol.NodeInfo{Role: scanString(t, d, "role")}
		if d.HasArg("age") {
			b.Info.Age = scanDuration(t, d, "age")
		}
	}
	return b
}

func scanString(t *testing.T, d *datadriven.TestData, key string) (s string) {
	d.ScanArgs(t, key, &s)
	return s
}

func scanInt(t *testing.T, d *datadriven.TestData, key string) (n int) {
	d.ScanArgs(t, key, &n)
	return n
}

func scanDuration(t *testing.T, d *datadriven.TestData, key string) time.Duration {
	v, err := time.ParseDuration(scanString(t, d, key))
	if err != nil {
		t.Fatalf("%s: %v", d.Pos, err)
	}
	return v
}

// TestPeersRandom throws random events at the table and checks what holds
// whatever happens: no two dials of one peer at once, nothing dialled that is
// linked, ourselves or without business with us, nothing forgotten without a
// tower, bounds kept, wakes ahead.
func TestPeersRandom(t *testing.T) {
	for seed := int64(1); seed <= 30; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { randomPeers(t, seed) })
	}
}

func randomPeers(t *testing.T, seed int64) {
	cfg := PeersConfig{Self: "P0", SelfRole: protocol.RoleProducer, Towers: 2, MaxPeers: 6, MaxEndpoints: 2}
	m := &peersModel{
		t: t, cfg: cfg, rng: rand.New(rand.NewSource(seed)), peers: NewPeers(cfg, rand.New(rand.NewSource(seed))),
		now: peersEpoch, dialling: map[string]string{}, linked: map[string]string{},
	}
	for m.step = range 5000 {
		m.now = m.now.Add(time.Duration(m.rng.Intn(300)) * time.Millisecond)
		m.event(fmt.Sprint("P", m.rng.Intn(8)), m.rng.Intn(2))
		m.act()
		m.check()
	}
}

// peersModel is what a table of peers is told, and what it has to know then.
type peersModel struct {
	t     *testing.T
	cfg   PeersConfig
	rng   *rand.Rand
	peers *Peers
	step  int
	now   time.Time

	dialling, linked map[string]string // UUID → endpoint
	up               [2]bool           // the towers
}

// event lets something happen to a peer or a tower.
func (m *peersModel) event(uuid string, tower int) {
	switch m.rng.Intn(8) {
	case 0:
		if m.rng.Intn(10) == 0 {
			m.turn(tower)
		}
	case 1, 2:
		b := protocol.TowerBeacon{UUID: uuid, Endpoint: fmt.Sprint("tcp://h:", m.rng.Intn(3)+1)}
		if uuid == "P1" {
			b.Info = &protocol.NodeInfo{Role: protocol.RoleProducer}
		}
		m.peers.Beacon(tower, b, m.now)
	case 3, 4:
		if e, ok := m.dialling[uuid]; ok {
			delete(m.dialling, uuid)
			m.dialled(uuid, e)
		}
	case 5:
		if e, ok := m.linked[uuid]; ok {
			delete(m.linked, uuid)
			m.peers.LinkLost(uuid, e, m.now)
		}
	default:
		m.peers.Tick(m.now)
		if next := m.peers.NextWake(); !next.IsZero() && !next.After(m.now) {
			m.t.Fatalf("step %d: wake %v is not ahead", m.step, m.now.Sub(next))
		}
	}
}

// turn has a tower go or come.
func (m *peersModel) turn(tower int) {
	if m.up[tower] = !m.up[tower]; m.up[tower] {
		m.peers.TowerUp(tower, m.now)
	} else {
		m.peers.TowerDown(tower, m.now)
	}
}

// dialled ends the dialling of a peer, either way.
func (m *peersModel) dialled(uuid, endpoint string) {
	if m.rng.Intn(2) == 0 {
		m.linked[uuid] = endpoint
		m.peers.Linked(uuid, endpoint, m.now)
	} else {
		m.peers.DialFailed(uuid, endpoint, m.now)
	}
}

// act begins to dial whom the table says. It may not dial twice, itself, or
// another producer, and forget only who is not there while a tower is.
func (m *peersModel) act() {
	for _, a := range m.peers.Actions() {
		busy := m.dialling[a.UUID] != "" || m.linked[a.UUID] != ""
		switch a.Op {
		case PeerDial:
			if busy || a.UUID == "P0" || a.UUID == "P1" || a.Endpoint == "" {
				m.t.Fatalf("step %d: %v %s %s", m.step, a.Op, a.UUID, a.Endpoint)
			}
			m.dialling[a.UUID] = a.Endpoint
		case PeerForgot:
			if busy || !m.up[0] && !m.up[1] {
				m.t.Fatalf("step %d: forgot %s, towers %v", m.step, a.UUID, m.up)
			}
		}
	}
}

// check compares what the table holds with its limits and with what is linked.
func (m *peersModel) check() {
	all := m.peers.All()
	if len(all) > m.cfg.MaxPeers {
		m.t.Fatalf("step %d: %d peers", m.step, len(all))
	}
	for _, p := range all {
		if len(p.Endpoints) > m.cfg.MaxEndpoints || p.Linked != (m.linked[p.UUID] != "") {
			m.t.Fatalf("step %d: %+v", m.step, p)
		}
	}
}
