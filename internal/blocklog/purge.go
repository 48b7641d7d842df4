package blocklog

import (
	"errors"
	"fmt"
)

// PurgeOrder says what of a store is to be deleted.
type PurgeOrder struct {
	Topic    string
	Producer string // of one partition; empty: all of the topic
	Before   uint64 // the lowest offset that stays; what is beyond a head means all there are now
}

// Purged is what a purge deletes of a partition.
type Purged struct {
	Partition
	Below   uint64 // offsets below it are deleted
	Records uint64 // so many are held
}

// PlanPurge returns what [Log.Purge] would delete to carry out an order, and deletes
// nothing. Partitions that hold nothing below o.Before are left out.
func (l *Log) PlanPurge(order PurgeOrder) ([]Purged, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.leave()
	return l.planPurge(order)
}

// PlanPurge returns what [PurgeDir] would delete in dir, which no store may have
// open, and changes nothing. Partitions that hold nothing below o.Before are left
// out. Errors: those of opening dir, and of reading the blocks around o.Before.
func PlanPurge(dir string, order PurgeOrder, o Options) (_ []Purged, err error) {
	f, err := openFrozen(dir, o)
	if err != nil {
		return nil, fmt.Errorf("purge: %w", err)
	}
	defer func() { err = errors.Join(err, f.close()) }()
	return f.planPurge(order)
}

// PurgeDir carries out a plan of [PlanPurge] in dir, which no store may have open, as
// [Log.Purge] does. When the store runs again it tells others.
func PurgeDir(dir string, plan []Purged, o Options) (err error) {
	if o, err = o.withDefaults(); err != nil {
		return err
	}
	if err := isStore(o.FS, dir); err != nil { // Open would make one
		return err
	}
	l, err := Open(dir, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, p := range plan {
		if err := l.Purge(p.Partition, p.Below); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) planPurge(order PurgeOrder) (plan []Purged, err error) {
	for p, s := range l.Partitions() {
		if p.Topic != order.Topic || order.Producer != "" && p.Producer != order.Producer {
			continue
		}
		below := min(order.Before, s.Next)
		if below <= s.Tail {
			continue
		}
		records, err := l.countBelow(p, below)
		if err != nil {
			return nil, fmt.Errorf("purge %v: %w", p, err)
		}
		plan = append(plan, Purged{p, below, records})
	}
	return plan, nil
}

// countBelow returns how many records a partition holds below a sequence: of whole
// grains by their sums, of the one that it lies in by reading.
func (l *Log) countBelow(p Partition, below uint64) (n uint64, err error) {
	s, _ := l.state(p)
	err = l.eachHeld(p, &s, func(k uint64, g sums) error {
		if min(grainEnd(k), s.Next) <= below {
			n += g.records
			return nil
		}
		if k*GrainRecords < below {
			_, err := l.walk(p, max(k*GrainRecords, s.Tail), below, func(b block) bool {
				n += b.sum(max(k*GrainRecords, s.Tail), below).records
				return true
			})
			if err != nil {
				return err
			}
		}
		return errEnough
	})
	return n, err
}
