//go:build unix

package chaos

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"
)

// begin does a fault, and end ends it.
func (c *cluster) begin(f fault) error {
	for _, name := range f.nodes {
		switch f.kind {
		case killed:
			c.kill(name)
		case wiped:
			if err := c.wipe(name); err != nil {
				return err
			}
		case blackout: // as near to at once as can be
			c.node(name).meant.Store(true)
			if err := c.signal(name, syscall.SIGKILL); err != nil {
				return err
			}
		case stopped:
			if err := c.signal(name, syscall.SIGSTOP); err != nil {
				return err
			}
		default:
			if err := c.net.begin(f.kind, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *cluster) end(f fault) error {
	for _, name := range f.nodes {
		switch f.kind {
		case killed:
			c.start(name)
		case wiped:
			if !c.node(name).process.Running() {
				c.start(name)
			}
		case blackout:
			c.kill(name)
			c.start(name)
		case stopped:
			if err := c.signal(name, syscall.SIGCONT); err != nil {
				return err
			}
		default:
			if err := c.net.end(f.kind, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// play does the faults of a schedule at their times from began on.
func (c *cluster) play(faults []fault, began time.Time) error {
	type event struct {
		at time.Duration
		do func(fault) error
		f  fault
	}
	var events []event
	for _, f := range faults {
		events = append(events, event{f.at, c.begin, f}, event{f.at + f.lasts, c.end, f})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	for _, e := range events {
		time.Sleep(time.Until(began.Add(e.at))) // the schedule
		if err := e.do(e.f); err != nil {
			return fmt.Errorf("%s: %w", e.f, err)
		}
	}
	return nil
}

// wipePatience is how long a wipe waits for the other stores.
const wipePatience = 5 * time.Second

// wipe kills a store and removes its disk, once the other stores have what was
// acknowledged. If that takes too long, the store is left alone.
func (c *cluster) wipe(store string) error {
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for since, ends := time.Now(), c.ledger.ends(); !c.ledger.others(store, since, ends); <-tick.C {
		if time.Since(since) > wipePatience {
			c.leftOut++
			return nil
		}
	}
	c.kill(store)
	c.ledger.wipe(store)
	return os.RemoveAll(c.storeDir(store))
}
