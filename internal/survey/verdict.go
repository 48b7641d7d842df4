package survey

import (
	"slices"
	"time"
)

// Part is what everything that is told of a snapshot begins with: how much of the
// mesh it is.
type Part struct {
	Time     time.Time `json:"time"`
	Complete bool      `json:"complete"`
	Missing  []string  `json:"missing,omitempty"` // towers and nodes that do not answer
}

// Part returns how much of the mesh the snapshot shows.
func (s *Snapshot) Part() Part {
	down := s.TowersDown()
	return Part{s.Time.UTC(), s.Complete && len(down) == 0, slices.Concat(down, s.Silent)}
}

// TowersDown returns the pub endpoints of the towers that the observer joined and that
// do not answer: nodes that no other tower names are not seen.
func (s *Snapshot) TowersDown() (pubs []string) {
	for _, t := range s.Towers {
		if !t.Up && !t.Told {
			pubs = append(pubs, t.Pub)
		}
	}
	return pubs
}

// Verdict is what is wrong with a mesh.
type Verdict struct {
	Status   Level     `json:"status"`
	Summary  Summary   `json:"summary"`
	Problems []Problem `json:"problems"`
}

// Summary counts what was looked at.
type Summary struct {
	Towers      int    `json:"towers"`
	TowersUp    int    `json:"towers_up"`
	Nodes       int    `json:"nodes"`
	Silent      int    `json:"silent"`
	Stores      int    `json:"stores"`
	Topics      int    `json:"topics"`
	Partitions  int    `json:"partitions"`
	Records     uint64 `json:"records"`
	UnderStored int    `json:"under_stored"`
	Missing     uint64 `json:"missing"`
	Conflicts   uint64 `json:"conflicts"`
	Names       int    `json:"saved_names"`
	MaxLag      uint64 `json:"max_lag"`
}

// Verdict says what is wrong by the given limits. The snapshot must have the
// partitions listed.
func (s *Snapshot) Verdict(limits Limits) Verdict {
	v := Verdict{Problems: s.Problems(limits)}
	if v.Problems == nil {
		v.Problems = []Problem{}
	}
	v.Status = Worst(v.Problems)
	n := &v.Summary
	n.Towers = len(s.Towers)
	for _, t := range s.Towers {
		if t.Up {
			n.TowersUp++
		}
	}
	n.Nodes, n.Silent, n.Topics, n.Names = len(s.Nodes), len(s.Silent), len(s.Topics), len(s.Saved)
	for i := range s.Nodes {
		if s.Nodes[i].Role == "store" {
			n.Stores++
		}
	}
	for i := range s.Topics {
		t := &s.Topics[i]
		n.Partitions, n.Records = n.Partitions+t.Partitions, n.Records+t.Records
		n.Missing, n.Conflicts = n.Missing+t.Missing, n.Conflicts+t.Conflicts
		n.UnderStored += t.UnderStored(limits.MinStores)
	}
	for i := range s.Saved {
		n.MaxLag = max(n.MaxLag, s.Saved[i].Lag)
	}
	return v
}
