//go:build unix

package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/producer"
)

const (
	storeAcks     = 2
	childMessage  = 16 << 10
	mostWindow    = 4 << 20 // some 10 s of a producer's records in the full run
	publishEvery  = 5 * time.Millisecond
	publishInTurn = 8 // records of a topic before it is the next one's turn
)

// window returns the bytes that a producer keeps: a part of what it publishes, so
// that the store that was wiped gets most of it from other stores.
func (s *settings) window() int64 {
	const part, least = 8, 4 * childMessage
	return min(max(int64(s.Records)*(smallestValue+valueSpread/2)/part, least), mostWindow)
}

// load is what a producer child publishes.
type load struct {
	settings
	producer *producer.Producer
	acks     *acks
	next     map[string]uint64
	total    uint64 // sum of next
	value    []byte
}

// runProducer publishes from where the journal ends, on the common pace, until
// everything is published and acknowledged, and stays.
func runProducer(ctx context.Context, s settings, out *reporter) error {
	c := producer.DefaultConfig()
	c.NodeConfig = s.node()
	c.MinStoreAcks, c.Journal = storeAcks, s.Dir
	c.MessageBytes, c.WindowBytes = childMessage, s.window()
	p, err := producer.Start(c)
	if err != nil {
		return err
	}
	out.line("hello", p.Address())
	l := &load{settings: s, producer: p, acks: newAcks(out), next: make(map[string]uint64)}
	for _, t := range s.Topics {
		l.next[t] = p.NextOffset(t)
		l.total += l.next[t]
		out.line("next", t, l.next[t])
	}
	go l.acks.run(ctx)
	if err := l.run(ctx, out); err != nil && ctx.Err() == nil {
		return errors.Join(err, p.Close())
	}
	<-ctx.Done()
	return p.Close()
}

func (l *load) run(ctx context.Context, out *reporter) error {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for l.total < l.Records {
		if err := l.publishDue(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C: // the pace
		}
	}
	for _, t := range l.Topics {
		out.line("published", t, l.next[t])
	}
	if err := l.producer.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	for _, t := range l.Topics { // Flush says so of what was published in lives before, too
		out.line("ack", t, 0, l.next[t])
	}
	out.line("done")
	return nil
}

// publishDue publishes what is due by now.
func (l *load) publishDue(ctx context.Context) error {
	due := l.Records
	if since := time.Since(l.Began); since < l.Over {
		due = uint64(float64(l.Records) * max(since.Seconds(), 0) / l.Over.Seconds())
	}
	for l.total < due {
		t := l.Topics[l.total/publishInTurn%uint64(len(l.Topics))]
		if err := l.publish(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// publish publishes the next record of a topic. What is wrong with it comes to
// the callback, and ends the load.
func (l *load) publish(ctx context.Context, topic string) error {
	offset := l.next[topic]
	l.value = appendValue(l.value[:0], l.Index, topic, offset)
	l.producer.PublishFunc(ctx, beck.Record{Topic: topic, Value: l.value}, func(o beck.Offset, err error) {
		if err == nil && (o.Offset != offset || o.Topic != topic) {
			err = fmt.Errorf("acknowledged as %s, which was published as %d", o, offset)
		}
		l.acks.add(o, err)
	})
	l.next[topic]++
	l.total++
	return l.acks.failure()
}

// acks reports what the application was told, gathering what comes while it
// writes.
type acks struct {
	out  *reporter
	more chan struct{}

	mu     sync.Mutex
	ranges []ackRange
	err    error // the first
}

type ackRange struct {
	topic      string
	first, end uint64
}

func newAcks(out *reporter) *acks { return &acks{out: out, more: make(chan struct{}, 1)} }

func (a *acks) add(o beck.Offset, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.err = cmp.Or(a.err, err)
		return
	}
	if n := len(a.ranges); n > 0 && a.ranges[n-1].topic == o.Topic && a.ranges[n-1].end == o.Offset {
		a.ranges[n-1].end++
		return
	}
	a.ranges = append(a.ranges, ackRange{o.Topic, o.Offset, o.Offset + 1})
	select {
	case a.more <- struct{}{}:
	default:
	}
}

func (a *acks) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

func (a *acks) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.more:
		}
		a.mu.Lock()
		ranges := a.ranges
		a.ranges = nil
		a.mu.Unlock()
		for _, r := range ranges {
			a.out.line("ack", r.topic, r.first, r.end)
		}
	}
}
