package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beckmesh/beck/protocol"
)

// Level says how bad a problem is.
type Level int

// The levels, as monitoring systems count them.
const (
	OK Level = iota
	Warning
	Critical
)

// String returns the level as a word.
func (l Level) String() string { return [...]string{"ok", "warning", "critical"}[l] }

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Limits say what counts as a problem.
type Limits struct {
	MinStores int      // stores that must have the head of each partition
	DiskFree  float64  // part of a store's disk that must be free, 0 to 1
	WarnLag   uint64   // records that saved positions may be behind; 0: any
	MaxLag    uint64   // the same, for what is critical
	Names     []string // of saved positions that are looked at; none: all
}

// Problem is something that is not as it should be.
type Problem struct {
	Level Level  `json:"level"`
	Kind  string `json:"kind"` // tower, node, disk, missing, conflict, stores, stalled, lag, partial
	// What it is about, where that is one thing.
	Node    string `json:"node,omitempty"`
	Topic   string `json:"topic,omitempty"`
	Topic64 []byte `json:"topic64,omitempty"`
	Name    string `json:"name,omitempty"`
	Name64  []byte `json:"name64,omitempty"`
	Text    string `json:"text"` // a line for people
}

// Problems returns what is wrong, the worst first: one entry for each node, topic
// or name and kind. The snapshot must have the partitions listed.
func (s *Snapshot) Problems(l Limits) []Problem {
	var found problems
	s.towerProblems(&found)
	s.nodeProblems(&found, l)
	for i := range s.Topics {
		s.Topics[i].problems(&found, l)
	}
	s.lagProblems(&found, l)
	if s.Overflow > 0 {
		found.add(Problem{Level: Warning, Kind: "partial", Text: fmt.Sprintf("%d partitions were left out: there are too many", s.Overflow)})
	}
	slices.SortStableFunc(found, func(a, b Problem) int { return int(b.Level) - int(a.Level) })
	return found
}

// Worst returns the highest level of problems; OK for none.
func Worst(list []Problem) (l Level) {
	for _, p := range list {
		l = max(l, p.Level)
	}
	return l
}

type problems []Problem

func (ps *problems) add(p Problem) {
	p.Topic64, p.Name64 = Bytes(p.Topic), Bytes(p.Name)
	*ps = append(*ps, p)
}

func (s *Snapshot) towerProblems(found *problems) {
	level, up := Critical, 0
	for _, t := range s.Towers {
		if t.Up {
			up++
		}
	}
	if up > 0 {
		level = Warning
	}
	for _, t := range s.Towers {
		if t.Up {
			continue
		}
		text := fmt.Sprintf("tower %s does not answer", t.Pub)
		if t.Told {
			text += " the nodes that join it"
		}
		found.add(Problem{Level: level, Kind: "tower", Node: t.Pub, Text: text})
	}
}

func (s *Snapshot) nodeProblems(found *problems, l Limits) {
	for i := range s.Nodes {
		n := &s.Nodes[i]
		store := n.Role == protocol.RoleStore
		if slices.Contains(s.Silent, n.Address) {
			level := Warning
			if store {
				level = Critical
			}
			found.add(Problem{Level: level, Kind: "node", Node: n.Address, Text: n.title() + " does not answer"})
		}
		n.diskProblems(found, l)
		n.lacking(found)
	}
}

// title names a node for people.
func (n *Node) title() string {
	role := n.Role
	if role == "" {
		role = "node"
	}
	if n.Name != "" {
		return fmt.Sprintf("%s %s (%q)", role, n.Address, n.Name)
	}
	return role + " " + n.Address
}

func (n *Node) diskProblems(found *problems, l Limits) {
	d := n.Disk
	if d == nil {
		return
	}
	if d.State != protocol.DiskWell.String() {
		found.add(Problem{Level: Critical, Kind: "disk", Node: n.Address, Text: fmt.Sprintf("%s: its disk is %s: it acknowledges nothing", n.title(), d.State)})
	} else if d.Size > 0 && float64(d.Free) < l.DiskFree*float64(d.Size) {
		found.add(Problem{Level: Warning, Kind: "disk", Node: n.Address,
			Text: fmt.Sprintf("%s: %.1f %% of its disk are free, less than %.1f %%", n.title(), 100*float64(d.Free)/float64(d.Size), 100*l.DiskFree)})
	}
}

// lacking looks at what a store says of all its records.
func (n *Node) lacking(found *problems) {
	if n.Role != protocol.RoleStore {
		return
	}
	if lost := n.Counts["lost"]; lost > 0 {
		found.add(Problem{Level: Warning, Kind: "missing", Node: n.Address,
			Text: fmt.Sprintf("%s: %d records were had by nobody when they were due, since it started", n.title(), lost)})
	}
}

// problems looks at a topic's partitions.
func (t *Topic) problems(found *problems, l Limits) {
	t.missing(found)
	t.underStored(found, l)
	stalled := make(map[string]uint64)
	for _, p := range t.List {
		for _, r := range p.Readers {
			for _, s := range r.Stalled {
				stalled[r.Node] += s.Last - s.First + 1
			}
		}
	}
	for _, node := range sortedKeys(stalled) {
		found.add(Problem{Level: Warning, Kind: "stalled", Node: node, Topic: t.Name,
			Text: fmt.Sprintf("consumer %s waits for %d records of topic %q that nobody serves", node, stalled[node], t.Name)})
	}
}

// missing names the stores that lack records, or differ. Records that no store
// has, and the producer neither, are lost.
func (t *Topic) missing(found *problems) {
	lacks, differs := make(map[string]uint64), make(map[string]uint64)
	var lost uint64
	for i := range t.List {
		for _, h := range t.List[i].Holders {
			lacks[h.Node] += h.Missing
			differs[h.Node] += h.Conflicts
		}
		for _, g := range t.List[i].Lost() {
			lost += g.Last - g.First + 1
		}
	}
	if lost > 0 {
		found.add(Problem{Level: Critical, Kind: "missing", Topic: t.Name, Text: fmt.Sprintf("topic %q: %d records are missing in every store", t.Name, lost)})
	}
	for _, node := range sortedKeys(lacks) {
		if lacks[node] > 0 {
			found.add(Problem{Level: Warning, Kind: "missing", Node: node, Topic: t.Name,
				Text: fmt.Sprintf("store %s lacks %d records of topic %q", node, lacks[node], t.Name)})
		}
	}
	for _, node := range sortedKeys(differs) {
		if differs[node] > 0 {
			found.add(Problem{Level: Critical, Kind: "conflict", Node: node, Topic: t.Name,
				Text: fmt.Sprintf("store %s holds other records than another store in %d ranges of topic %q", node, differs[node], t.Name)})
		}
	}
}

// UnderStored returns how many of the listed partitions have records, and their
// head in fewer stores than least.
func (t *Topic) UnderStored(least int) (n int) {
	for i := range t.List {
		if t.List[i].underStored(least) {
			n++
		}
	}
	return n
}

func (p *Partition) underStored(least int) bool { return p.Stores < least && p.Records > 0 }

// underStored names the topic if too few stores have the head of a partition of
// it, and one such partition. If the producer of one is gone, nobody else has it, and
// that one is named.
func (t *Topic) underStored(found *problems, l Limits) {
	n, gone, example := t.UnderStored(l.MinStores), 0, ""
	if n == 0 {
		return
	}
	for i := range t.List {
		p := &t.List[i]
		if !p.underStored(l.MinStores) {
			continue
		}
		if example == "" || !p.Alive && gone == 0 {
			example = p.Producer
		}
		if !p.Alive {
			gone++
		}
	}
	level := Warning
	if gone > 0 {
		level = Critical
	}
	found.add(Problem{Level: level, Kind: "stores", Topic: t.Name,
		Text: fmt.Sprintf("topic %q: the head of %d partitions is in fewer than %d stores, of %d the producer is gone (%s)", t.Name, n, l.MinStores, gone, example)})
}

func (s *Snapshot) lagProblems(found *problems, l Limits) {
	for i := range s.Saved {
		v := &s.Saved[i]
		if len(l.Names) > 0 && !slices.Contains(l.Names, v.Name) {
			continue
		}
		level, limit := OK, uint64(0)
		switch {
		case l.MaxLag > 0 && v.Lag > l.MaxLag:
			level, limit = Critical, l.MaxLag
		case l.WarnLag > 0 && v.Lag > l.WarnLag:
			level, limit = Warning, l.WarnLag
		}
		if level > OK {
			found.add(Problem{Level: level, Kind: "lag", Name: v.Name,
				Text: fmt.Sprintf("positions %q are %d records behind, more than %d", v.Name, v.Lag, limit)})
		}
	}
	for _, name := range l.Names {
		if !slices.ContainsFunc(s.Saved, func(v Saved) bool { return v.Name == name }) {
			found.add(Problem{Level: Critical, Kind: "lag", Name: name, Text: fmt.Sprintf("no positions are saved under %q", name)})
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
