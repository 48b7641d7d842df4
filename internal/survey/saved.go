package survey

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// saved reads the positions that consumers save: of each consumer that ever saved
// some the newest record, and of the last one of each name what it takes to know
// all its positions. The node's lock guards it.
type saved struct {
	survey *Survey
	rx     *mesh.Receiver
	names  map[string]core.Lives
	unread uint64 // records that are none
}

func newSaved(s *Survey) *saved {
	v := &saved{survey: s, names: make(map[string]core.Lives)}
	in := core.DefaultIntakeConfig()
	in.MaxPartitions = s.cfg.MaxPartitions
	v.rx = mesh.NewReceiver(s.node, core.NewIntake(in), v)
	v.rx.In.WantNewest(protocol.PositionsTopic, 1, s.begun)
	return v
}

// subscribe has a peer tell when there are newer positions. They are fetched.
func (v *saved) subscribe(d *mesh.Dialled) {
	self := v.survey.node.UUID()
	d.Subscribe(mesh.OwnSubscription(protocol.KindDirectRecord, self))
	if !d.Peer().Foreign() { // of a foreign one every head is subscribed to
		d.Subscribe(protocol.Subscription(protocol.KindHead, protocol.PositionsTopic))
	}
}

func (v *saved) tick(now time.Time) {
	v.rx.In.Tick(now)
	v.rx.Act()
	v.settle()
}

// complete reports whether all that stores have was read.
func (v *saved) complete(now time.Time) bool {
	for _, p := range v.survey.node.Peers() {
		s, up := p.Source()
		if up && s.All && s.Lists && !v.rx.In.Listed(p.UUID, now) {
			return false
		}
	}
	return v.rx.In.Complete(protocol.PositionsTopic) && v.settle()
}

// settle finds, for each name, the consumer whose positions count, and has them
// read if they are not known. It reports whether they all are.
func (v *saved) settle() bool {
	known := true
	for name, lives := range v.names {
		_, again := lives.Last(v.read)
		if again != nil {
			known = false
			v.rx.In.Rewind(positionsOf(again.Address), again.Last.Base, v.survey.node.Now())
			v.rx.Act()
		}
		if len(lives) == 0 {
			delete(v.names, name)
		}
	}
	return known
}

func (v *saved) read(address string) uint64 {
	next, _ := v.rx.In.Next(positionsOf(address))
	return next
}

func positionsOf(address string) core.Partition {
	return core.Partition{Topic: protocol.PositionsTopic, Producer: address}
}

// Deliver implements mesh.ReceiverRole.
func (v *saved) Deliver(deliveries []core.Delivery) {
	for _, d := range deliveries {
		run := d.Run.Data.(*mesh.Run)
		for seq := d.Part.First; seq < d.Part.End; seq++ {
			set, err := protocol.ParsePositions(run.Record(int(seq - run.First)).Content)
			if err != nil {
				v.unread++
				continue
			}
			if v.names[set.Name] == nil {
				v.names[set.Name] = make(core.Lives)
			}
			v.names[set.Name].Take(run.Partition.Producer, set)
		}
		v.rx.In.Consumed(d.Run.Bytes, v.survey.node.Now())
	}
}

// Fill, Complete, Live and Report are nothing to an observer.
func (v *saved) Fill([]core.Delivery)     {}
func (v *saved) Complete([]core.Delivery) {}
func (v *saved) Live(core.LiveOrder)      {}
func (v *saved) Report(core.Report)       {}

// began is the producer's address of a mark among positions: the name has read
// the topic before.
var began = strings.Repeat("0", protocol.AddressLen)

// snapshot returns what is saved, by name. Names of which nothing is left are left
// out.
func (v *saved) snapshot(s *Survey) []Saved {
	holders := make(map[string]string)
	for _, st := range s.node.Known() {
		if st.Info != nil && st.Info.Holds.Name != "" {
			holders[st.Info.Holds.Name] = st.UUID
		}
	}
	list := []Saved{}
	for _, name := range slices.Sorted(maps.Keys(v.names)) {
		l, _ := v.names[name].Last(v.read)
		if l == nil || len(l.Set) == 0 {
			continue
		}
		one := Saved{Name: name, Name64: Bytes(name), Consumer: l.Address, Since: time.UnixMilli(l.Last.Since).UTC(), Holder: holders[name]}
		one.Alive = one.Holder != ""
		s.positions(&one, l.Set)
		list = append(list, one)
	}
	return list
}

// positions holds what is saved against what there is. A partition without a
// position, of a topic that the name has read, is read from its first record on.
func (s *Survey) positions(one *Saved, set map[core.Partition]uint64) {
	topics := make(map[string]bool)
	for key, next := range set {
		topics[key.Topic] = true
		if key.Producer != began && s.of(key.Topic) {
			one.add(s.position(key, next))
		}
	}
	for key := range s.facts.parts {
		if _, known := set[key]; !known && topics[key.Topic] {
			if p := s.position(key, 0); p.Head > 0 || p.Lag > 0 {
				p.New = true
				one.add(p)
			}
		}
	}
	one.Topics = slices.Sorted(maps.Keys(topics))
	slices.SortFunc(one.Positions, func(a, b Position) int {
		return core.Partition{Topic: a.Topic, Producer: a.Producer}.Compare(core.Partition{Topic: b.Topic, Producer: b.Producer})
	})
}

// of reports whether a topic is surveyed.
func (s *Survey) of(topic string) bool { return s.cfg.Topic == "" || s.cfg.Topic == topic }

func (one *Saved) add(p Position) {
	one.Lag += p.Lag
	one.Positions = append(one.Positions, p)
}

// position says how far behind a position is.
func (s *Survey) position(key core.Partition, next uint64) Position {
	out := Position{Topic: key.Topic, Topic64: Bytes(key.Topic), Producer: key.Producer, Next: next}
	p, held := s.partition(key, false)
	if !held {
		return out
	}
	if out.Head = p.Head; next <= p.Head {
		from := max(next, p.Tail)
		out.Expired = from - next
		out.Lag = p.Head + 1 - min(from, p.Head+1)
	}
	return out
}
