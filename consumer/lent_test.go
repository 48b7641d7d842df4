package consumer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
)

// With ReuseValues a value is right until more records are asked for, also when a
// loop was left in between, and the memory of one that was dealt with holds others
// later.
func TestReuseValues(t *testing.T) {
	const n, looped = 20_000, 5001
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	ctx := testmesh.Context(t)
	value := func(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%07d ", i), 128) }
	for i := range n {
		if err := p.Publish(ctx, beck.Record{Topic: "t", Value: value(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	c := m.Consumer(func(c *consumer.Config) { c.StopAtEnd, c.ReuseValues, c.QueueBytes = true, true, 1<<20 }, "t")
	next, gone := 0, [][]byte(nil)
	check := func(r beck.Record) {
		if !bytes.Equal(r.Value, value(next)) {
			t.Fatalf("offset %d is %.20q, want that of %d", r.Offset, r.Value, next)
		}
		if next++; next%100 == 0 {
			gone = append(gone, r.Value)
		}
	}
	for r, err := range c.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if check(r); next == looped {
			break
		}
	}
	batch := make([]beck.Record, 100)
	for {
		n, err := c.PollInto(ctx, batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch[:n] {
			check(r)
		}
	}
	if next != n {
		t.Fatalf("%d of %d", next, n)
	}
	for i, v := range gone {
		if !bytes.Equal(v, value(100*i+99)) {
			return
		}
	}
	t.Error("no memory was used again")
}

// With ReuseValues records that a loop has still to yield are right also if its body
// polls, and runs a loop of its own.
func TestReuseValuesNested(t *testing.T) {
	const n = 8000
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	ctx := testmesh.Context(t)
	value := func(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%07d ", i), 128) }
	for i := range n {
		if err := p.Publish(ctx, beck.Record{Topic: "t", Value: value(i)}); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, p)
	c := m.Consumer(func(c *consumer.Config) { c.StopAtEnd, c.ReuseValues, c.QueueBytes = true, true, 256<<10 }, "t")
	seen, into := make(map[uint64]bool), make([]beck.Record, 10)
	check := func(r beck.Record) {
		if !bytes.Equal(r.Value, value(int(r.Offset))) {
			t.Fatalf("offset %d is %.20q", r.Offset, r.Value)
		}
		seen[r.Offset] = true
	}
	turns := 0
	for r, err := range c.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if turns++; turns%3 == 0 {
			got, err := c.PollInto(ctx, into)
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			for _, r := range into[:got] {
				check(r)
			}
		}
		if turns%1000 == 0 {
			inner := 0
			for r, err := range c.Records(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				if check(r); inner == 500 {
					break
				}
				inner++
			}
		}
		check(r)
	}
	if len(seen) != n {
		t.Errorf("%d records of %d", len(seen), n)
	}
}
