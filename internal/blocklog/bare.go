package blocklog

import "fmt"

// BareRanges returns the ranges within [Tail, Next) that are held bare (see
// [Builder.Bare]), in order, the lowest 1,000. Damaged blocks are left out, for
// [Log.Read] to find.
//
// It costs nothing if there are none, which is when State's Bare is 0. Otherwise
// it reads the blocks of those grains that are bare only in part.
func (l *Log) BareRanges(p Partition) ([]Range, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.leave()
	s, _ := l.state(p)
	if s.Bare == 0 {
		return nil, nil
	}
	found, err := l.bare(p, &s)
	if err != nil {
		return nil, fmt.Errorf("blocklog: bare ranges of %v: %w", p, err)
	}
	return found.ranges[:min(len(found.ranges), maxHoles)], nil
}

func (l *Log) bare(p Partition, s *state) (found holes, err error) {
	err = l.eachHeld(p, s, func(k uint64, g sums) error {
		if len(found.ranges) > maxHoles {
			return errEnough
		}
		return found.bare(l, p, s, k, g)
	})
	return found, err
}

// bare adds what is bare of grain k.
func (h *holes) bare(l *Log, p Partition, s *state, k uint64, g sums) error {
	from, to := max(k*GrainRecords, s.Tail), min(grainEnd(k), s.Next)
	switch g.bare {
	case 0:
		return nil
	case to - from:
		h.add(from, to)
		return nil
	}
	_, err := l.walk(p, from, to, func(b block) bool {
		if b.bare {
			h.add(max(b.first, from), min(b.next(), to))
		}
		return true
	})
	return err
}
