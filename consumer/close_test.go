package consumer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
)

// Calls that wait when a consumer is closed return ErrClosed, and so do those after
// it, though records wait.
func TestCloseEndsCalls(t *testing.T) {
	m, _, _ := meshWith(t, 5000)
	ctx := testmesh.Context(t)
	c := m.Consumer(nil, "t")
	testmesh.Take(t, c, 1)
	lone := m.Consumer(func(c *consumer.Config) { c.Sub, c.Pub = nobody, nobody }, "t")
	waits := map[string]func() error{
		"Ready":     func() error { return lone.Ready(ctx) },
		"OffsetsAt": func() error { _, err := lone.OffsetsAt(ctx, time.Unix(1, 0)); return err },
		"Poll":      func() error { _, err := lone.Poll(ctx, 1); return err },
	}
	ended := make(map[string]chan error)
	for name, wait := range waits {
		done := make(chan error, 1)
		ended[name] = done
		go func() { done <- wait() }()
	}
	lone.Close()
	for name, done := range ended {
		if err := <-done; !errors.Is(err, beck.ErrClosed) {
			t.Errorf("%s that waited returned %v", name, err)
		}
	}
	c.Close()
	for name, call := range map[string]func() error{
		"Poll":        func() error { _, err := c.Poll(ctx, 1); return err },
		"PollInto":    func() error { _, err := c.PollInto(ctx, make([]beck.Record, 1)); return err },
		"Seek":        func() error { return c.Seek(beck.Offset{Topic: "t", Partition: c.Address()}) },
		"Pause":       func() error { return c.Pause("t") },
		"Resume":      func() error { return c.Resume("t") },
		"Subscribe":   func() error { return c.Subscribe("u") },
		"Unsubscribe": func() error { return c.Unsubscribe("t") },
		"Records": func() (last error) {
			for _, err := range c.Records(ctx) {
				last = err
			}
			return last
		},
	} {
		if err := call(); !errors.Is(err, beck.ErrClosed) {
			t.Errorf("%s after Close returned %v", name, err)
		}
	}
}

var nobody = []string{"tcp://127.0.0.1:1"}

// A loop ends with its context and with its consumer, and not when it has gone
// through all that had come before. What it was not given comes next.
func TestRecordsEnds(t *testing.T) {
	m, _, _ := meshWith(t, 5000)
	c := m.Consumer(nil, "t")
	testmesh.Take(t, c, 1)
	ctx, cancel := context.WithCancel(testmesh.Context(t))
	n := 0
	for _, err := range c.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("%d records came after the end of the context", n-1)
	}
	if next := testmesh.Take(t, c, 1)[0].Offset; next != uint64(1+n) {
		t.Errorf("offset %d comes next, want %d", next, 1+n)
	}
	n = 0
	var last error
	for _, err := range c.Records(testmesh.Context(t)) {
		if last = err; err == nil {
			n++
			c.Close()
		}
	}
	if n != 1 || !errors.Is(last, beck.ErrClosed) {
		t.Errorf("%d records came after Close, then %v", n-1, last)
	}
}

// A hook that waits for a loop to end does not keep Close from ending it.
func TestCloseWhileHookWaits(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	over, called := make(chan struct{}), make(chan struct{})
	var c *consumer.Consumer
	c = m.Consumer(func(c *consumer.Config) {
		c.OnConnect = func(beck.Peer) {
			select {
			case <-called:
			default:
				close(called)
			}
			<-over
		}
	}, "t")
	go func() {
		defer close(over)
		for range c.Records(context.Background()) {
		}
	}()
	<-called
	c.Close()
}
