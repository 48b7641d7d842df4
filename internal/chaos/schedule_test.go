//go:build unix

package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// kind is what happens to a node.
type kind string

// The kinds of faults. What the network does, not every network can do.
const (
	killed     kind = "killed"      // SIGKILL, and started again after a while
	wiped      kind = "wiped"       // SIGKILL, and started again with an empty disk
	blackout   kind = "blackout"    // all stores and producers are killed at once
	stopped    kind = "stopped"     // SIGSTOP, and SIGCONT
	cut        kind = "cut"         // no network: namespaces lose packets, proxies reset and refuse
	silenced   kind = "silenced"    // links stand still
	halfClosed kind = "half-closed" // links end in one direction
	corrupted  kind = "corrupted"   // links end, and handshakes come spoiled
)

// networkKinds are those that a network has to know.
var networkKinds = []kind{cut, silenced, halfClosed, corrupted}

// lasts reports whether some faults of a kind last longer than others. Processes
// that were killed are not missed for long.
func (k kind) lasts() bool { return k != killed && k != blackout && k != wiped }

// fault is something that happens to nodes.
type fault struct {
	at, lasts time.Duration // from the beginning of the load
	kind      kind
	nodes     []string // names
}

func (f fault) String() string {
	return fmt.Sprintf("%7.2fs for %5.2fs: %s %v", f.at.Seconds(), f.lasts.Seconds(), f.kind, f.nodes)
}

// plan is what a schedule is made for.
type plan struct {
	seed        uint64
	over, every time.Duration
	nodes       []string        // that faults happen to, by roles
	spared      map[string]bool // from being killed
	network     []kind          // what the network can do
}

const (
	blackoutOneIn = 20
	longOneIn     = 8 // of the faults that last, one in so many lasts longer
	longer        = 4
)

// schedule returns the faults that follow from a plan, in their order. A node
// has one fault at a time, and all have ended when the load ends. One store is
// wiped, when nothing is the matter with any of them.
func (p plan) schedule() []fault {
	rng := rand.New(rand.NewPCG(p.seed, 0))
	busy := make(map[string]time.Duration) // until when a node has a fault
	wipe := p.over/4 + time.Duration(rng.Int64N(int64(p.over/3)))
	var faults []fault
	for at := p.every; at < p.over; at += p.every {
		f := fault{at: at, kind: p.kind(rng)}
		spare := at >= wipe // the stores, until they are all well
		if spare && p.allWell(busy, at) {
			f.kind, wipe, spare = wiped, p.over, false
		}
		f.lasts = p.every/4 + time.Duration(rng.Int64N(int64(p.every)))
		if f.kind.lasts() && rng.IntN(longOneIn) == 0 {
			f.lasts *= longer
		}
		f.lasts = min(f.lasts, p.over-at)
		free := slices.DeleteFunc(slices.Clone(p.nodes), func(n string) bool {
			return busy[n] > at || !p.may(f.kind, n) || (spare && roleOf(n) == "store")
		})
		if len(free) == 0 {
			continue
		}
		f.nodes = free
		if f.kind != blackout {
			f.nodes = []string{choose(rng, free)}
		}
		for _, n := range p.nodes {
			if slices.Contains(f.nodes, n) || (f.kind == wiped && roleOf(n) == "store") {
				busy[n] = at + f.lasts + p.every/4
			}
		}
		faults = append(faults, f)
	}
	return faults
}

// allWell reports whether no store has a fault.
func (p plan) allWell(busy map[string]time.Duration, at time.Duration) bool {
	return !slices.ContainsFunc(p.nodes, func(n string) bool { return roleOf(n) == "store" && busy[n] > at })
}

// may reports whether a kind of fault is one for a node.
func (p plan) may(k kind, node string) bool {
	switch k {
	case killed:
		return !p.spared[node]
	case blackout:
		return !p.spared[node] && (roleOf(node) == "store" || roleOf(node) == "producer")
	case wiped:
		return !p.spared[node] && roleOf(node) == "store"
	}
	return true
}

func (p plan) kind(rng *rand.Rand) kind {
	switch n := rng.IntN(blackoutOneIn); {
	case n == 0 && len(p.spared) == 0:
		return blackout
	case n < blackoutOneIn*9/20:
		return killed
	case n < blackoutOneIn*13/20:
		return stopped
	}
	return p.network[rng.IntN(len(p.network))]
}

// roleWeights is how often faults happen to a role.
var roleWeights = map[string]int{"store": 4, "producer": 3, "consumer": 3, "tower": 1}

// choose returns one of the nodes: first a role by its weight, then any of it.
func choose(rng *rand.Rand, free []string) string {
	var weighted []string
	for _, role := range []string{"store", "producer", "consumer", "tower"} {
		if slices.ContainsFunc(free, func(n string) bool { return roleOf(n) == role }) {
			for range roleWeights[role] {
				weighted = append(weighted, role)
			}
		}
	}
	role := weighted[rng.IntN(len(weighted))]
	of := slices.DeleteFunc(slices.Clone(free), func(n string) bool { return roleOf(n) != role })
	return of[rng.IntN(len(of))]
}

// roleOf returns the role in a node's name, such as "store" of "store1".
func roleOf(node string) string {
	i := len(node)
	for i > 0 && node[i-1] >= '0' && node[i-1] <= '9' {
		i--
	}
	return node[:i]
}

func TestScheduleFollowsFromItsSeed(t *testing.T) {
	p := plan{seed: 7, over: time.Minute, every: 100 * time.Millisecond, nodes: nodeNames(), network: networkKinds}
	faults := p.schedule()
	if again := p.schedule(); fmt.Sprint(again) != fmt.Sprint(faults) {
		t.Error("the same seed made another schedule")
	}
	p.seed++
	if other := p.schedule(); fmt.Sprint(other) == fmt.Sprint(faults) {
		t.Error("another seed made the same schedule")
	}
	until, kinds, hit := make(map[string]time.Duration), make(map[kind]int), make(map[string]bool)
	for _, f := range faults {
		kinds[f.kind]++
		if f.at+f.lasts > p.over {
			t.Errorf("outlasts the load: %s", f)
		}
		for _, n := range f.nodes {
			hit[n] = true
			if until[n] > f.at {
				t.Errorf("%s has a fault already: %s", n, f)
			}
			until[n] = f.at + f.lasts
		}
	}
	if len(kinds) != 4+len(networkKinds) || kinds[wiped] != 1 || len(hit) != len(nodeNames()) {
		t.Errorf("of all kinds and nodes there were only %v and %v", kinds, hit)
	}
}

// TestOneStoreIsWiped: at most one, and while nothing is the matter with the
// others.
func TestOneStoreIsWiped(t *testing.T) {
	wipes := 0
	for seed := range uint64(200) {
		p := plan{seed: seed, over: 10 * time.Second, every: 500 * time.Millisecond, nodes: nodeNames(), network: networkKinds}
		faults := p.schedule()
		for i, w := range faults {
			if w.kind != wiped {
				continue
			}
			wipes++
			for j, f := range faults {
				store := slices.ContainsFunc(f.nodes, func(n string) bool { return roleOf(n) == "store" })
				if i != j && (f.kind == wiped || (store && f.at < w.at+w.lasts && w.at < f.at+f.lasts)) {
					t.Errorf("seed %d: %s, and %s", seed, w, f)
				}
			}
		}
	}
	if wipes < 180 {
		t.Errorf("a store was wiped in only %d of 200 schedules", wipes)
	}
}
