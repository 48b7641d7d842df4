package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
)

const (
	firstLinkWait = time.Second          // how long --no-wait waits for somebody to send to
	firstLinkPoll = 5 * time.Millisecond // how often it looks
)

// noTower is what a node without a tower and without a link waits for.
func noTower(node beck.NodeConfig) waiting {
	return waiting{
		cause: "tower",
		text:  fmt.Sprintf("no tower answers at %s; trying on", strings.Join(node.Pub, ", ")),
	}
}

// waitsFor says what keeps the records from being stored.
func (f *feed) waitsFor(node beck.NodeConfig) waiting {
	s := f.producer.Stats()
	switch {
	case s.Towers == 0 && s.Links == 0:
		return noTower(node)
	case f.noWait || s.Unstored == 0:
		return waiting{mark: s.Stored}
	case s.Stores == 0:
		return waiting{"store", s.Stored, fmt.Sprintf("%d records are not stored; no store has acknowledged any yet", s.Unstored)}
	case s.Stores < f.acks:
		return waiting{fmt.Sprint("stores ", s.Stores), s.Stored, fmt.Sprintf("%d records are not stored; %d of the %d stores that --acks wants have acknowledged any",
			s.Unstored, s.Stores, f.acks)}
	default:
		return waiting{"ack", s.Stored, fmt.Sprintf("%d records are not stored; no store has acknowledged them", s.Unstored)}
	}
}

// sayDraining tells who interrupted what goes on.
func (f *feed) sayDraining() {
	if n := f.producer.Stats().Unstored; n > 0 {
		fmt.Fprintf(f.errOut, "beck: interrupted: waiting until %d records are stored; a second interrupt leaves\n", n)
	}
}

// awaitLink waits a moment until there is somebody to send to.
func (f *feed) awaitLink(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstLinkWait)
	defer cancel()
	tick := time.NewTicker(firstLinkPoll)
	defer tick.Stop()
	for !f.hasLink() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// hasLink reports, with --no-wait, whether there has been somebody to send to.
func (f *feed) hasLink() bool {
	f.linked = f.linked || f.producer.Stats().Links > 0
	return f.linked
}

// settle waits until the records are stored, or with --no-wait until they are
// sent, and then leaves the mesh.
func (f *feed) settle(s *stages) error {
	if !f.noWait {
		if err := f.producer.Flush(s.leave); err != nil {
			return err
		}
		return f.producer.Close()
	}
	nobody := !f.hasLink()
	if err := f.producer.Close(); err != nil {
		return err
	}
	if n := f.total.Load(); nobody && n > 0 {
		return fmt.Errorf("%d records were sent to nobody: no node was linked", n)
	}
	return nil
}

// consumerWaitsFor says what keeps a consumer from its records.
func consumerWaitsFor(c *consumer.Consumer, node beck.NodeConfig) waiting {
	s := c.Stats()
	switch {
	case s.Towers == 0 && s.Links == 0:
		return noTower(node)
	case s.Waits != "":
		return waiting{cause: s.Waits, text: "saved positions: " + s.Waits}
	}
	return waiting{}
}

// sayReady logs, for --verbose, when everything published from now on will be
// printed.
func sayReady(ctx context.Context, c *consumer.Consumer, node beck.NodeConfig) {
	if err := c.Ready(ctx); err == nil {
		node.Logger.Info("ready", "address", c.Address())
	} else if !errors.Is(err, context.Canceled) {
		node.Logger.Debug("not ready", "error", err)
	}
}
