package survey

import (
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/protocol"
)

const (
	mostTold = 64              // towers that only nodes tell of
	sameTime = 2 * time.Second // between what two nodes say of when a tower started
)

// towers returns the towers that the observer joined, in the order in which they were
// given, and behind them those that only nodes told of. It needs the lock.
func (s *Survey) towers() []Tower {
	list := []Tower{}
	for _, t := range s.node.Towers() {
		list = append(list, Tower{
			Sub: t.Addr.Sub, Pub: t.Addr.Pub, Up: t.Up, Name: t.Name, Version: t.Version, Started: since(t.Started),
		})
	}
	return append(list, s.facts.told(list)...)
}

// told returns the towers that nodes join, but for those that are known. One that
// answers a node is up.
func (f *facts) told(known []Tower) (list []Tower) {
	for _, id := range sortedKeys(f.nodes) {
		for _, t := range f.nodes[id].towers {
			now := &Tower{Sub: t.Sub, Pub: t.Pub, Up: t.Up, Started: millis(t.Started), Told: true}
			i := slices.IndexFunc(list, now.is)
			switch {
			case slices.ContainsFunc(known, now.is):
			case i < 0 && len(list) < mostTold:
				list = append(list, *now)
			case i >= 0 && now.Up && !list[i].Up:
				list[i] = *now
			}
		}
	}
	slices.SortFunc(list, func(a, b Tower) int { return strings.Compare(a.Pub, b.Pub) })
	return list
}

// is reports whether two are the same tower. Nodes on other machines may dial it by
// another host; but then the port is the same, and the time at which it started.
func (t *Tower) is(other Tower) bool {
	if t.Pub == other.Pub {
		return true
	}
	_, port, _ := protocol.ParseEndpoint(t.Pub)
	_, otherPort, _ := protocol.ParseEndpoint(other.Pub)
	return port == otherPort && t.Started != nil && other.Started != nil && t.Started.Sub(*other.Started).Abs() < sameTime
}
