//go:build unix

package chaos

import (
	"math/rand/v2"
	"testing"
	"time"
)

const startDelay = time.Second // until the load begins

var topics = []string{"chaos.a", "chaos.b"}

// TestChaos: whatever happens to the processes, nothing that was acknowledged
// is lost, everybody gets it in order and once, and everything heals.
func TestChaos(t *testing.T) {
	if *durationFlag > 0 {
		t.Skip("this is a soak")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(rand.Uint32())
	}
	for _, name := range networkNames {
		if *networkFlag != name && (*networkFlag != "" || (testing.Short() && name != "proxies")) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			net, err := networks[name](t)
			if err != nil {
				t.Skip(err)
			}
			newTrial(t, name, net, seed).run()
		})
	}
}

// trial is one run of the schedule and its outcome.
type trial struct {
	*cluster
	network string
	plan    plan
	faults  []fault
	records uint64

	healing []healing // after the faults
}

func newTrial(t *testing.T, name string, net network, seed uint64) *trial {
	t.Helper()
	p := plan{seed: seed, over: *overFlag, every: *everyFlag, nodes: nodeNames(), network: net.kinds()}
	each := *recordsFlag / producers
	c := newCluster(t, net, settings{Topics: topics, Records: each, Over: p.over})
	return &trial{cluster: c, network: name, plan: p, faults: p.schedule(), records: each * producers}
}

func (r *trial) run() {
	r.announce()
	r.begin()
	if err := r.play(r.faults, r.load.Began); err != nil {
		r.t.Fatal(err)
	}
	r.heal()
	r.resume()
	r.replay()
	r.ledger.settle()
	r.verdict()
}

func (r *trial) announce() {
	r.t.Logf("seed %d, network %s, %d records over %s, a fault every %s", r.plan.seed, r.network, r.records, r.plan.over, r.plan.every)
}

// begin starts everything; the load begins a little later.
func (r *trial) begin() {
	r.load.Began = time.Now().Add(startDelay)
	for _, name := range append(nodeNames(), "probe") {
		r.start(name)
	}
}

// quietFor is how long a consumer that has saved everything is watched.
const quietFor = time.Second

// resume lets all consumers go on once more, at rest: all stores are there and
// equal, everything is saved, and nothing more may come.
func (r *trial) resume() {
	r.ledger.rest()
	for _, name := range nodeNames() {
		if roleOf(name) == "consumer" {
			r.kill(name)
			r.start(name)
		}
	}
	r.await(healing{
		what: "all consumers resumed", within: patience, since: time.Now(),
		is: func(time.Time) bool { return r.ledger.allAsked() },
	})
	time.Sleep(quietFor) // nothing is to happen
}

// replayName is the consumer that replays a store.
func replayName(store int) string { return "replay" + string(rune('0'+store)) }

// replay starts each store alone, after everything was killed, and reads all
// that it has.
func (r *trial) replay() {
	for _, name := range nodeNames() {
		if role := roleOf(name); role == "producer" || role == "consumer" {
			r.leave(name)
		}
	}
	r.killAll()
	for i := range stores {
		store, reader := nodeNames()[1+i], replayName(i)
		r.start("tower")
		r.start(store)
		r.start(reader)
		n := r.node(reader)
		n.meant.Store(true)
		if err := n.process.Wait(patience); err != nil {
			r.ledger.wrong(ended, 1, "%s of %s: %v: see %s.%d.log", reader, store, err, reader, n.life)
		}
		r.killAll()
	}
}
