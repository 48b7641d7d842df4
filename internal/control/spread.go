package control

import (
	"context"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/protocol"
)

// holders looks once how far a deletion has come to the stores of the mesh.
func (s *Server) holders(ctx context.Context, d Deletion) ([]Holder, error) {
	c := s.mesh
	c.Topic, c.Partitions = d.Topic, true
	look, err := survey.Start(c)
	if err != nil {
		return nil, err
	}
	defer look.Close()
	if err := look.Wait(ctx); err != nil {
		return nil, err
	}
	return spread(look.Snapshot(true), d), nil
}

// spread returns the stores that are known, and of how many partitions each has
// something to delete. Foreign ones are left out: they know nothing of it.
func spread(snap *survey.Snapshot, d Deletion) []Holder {
	left := map[string]int{}
	for _, t := range snap.Topics {
		if t.Name == d.Topic {
			d.countLeft(&t, left)
		}
	}
	list := []Holder{}
	for _, n := range snap.Nodes {
		if n.Role == protocol.RoleStore && !n.Foreign {
			list = append(list, Holder{Address: n.Address, Left: left[n.Address], Silent: !n.Answered})
		}
	}
	return list
}

// countLeft adds up by node the partitions with records that are to go.
func (d *Deletion) countLeft(t *survey.Topic, left map[string]int) {
	below := make(map[string]uint64, len(d.Partitions))
	for _, p := range d.Partitions {
		below[p.Partition] = p.Below
	}
	for _, p := range t.List {
		for _, h := range p.Holders {
			if h.Records > 0 && h.Tail < below[p.Producer] {
				left[h.Node]++
			}
		}
	}
}
