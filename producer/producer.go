// Package producer publishes records to a mesh.
//
// A producer pushes its records straight to every consumer and store that
// subscribed to their topic, and keeps each one until enough stores have it on
// disk. The records of one producer and topic are a partition: they have
// offsets from 0 on, and are delivered in that order.
package producer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/compress"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/tracing"
	"github.com/beckmesh/beck/protocol"
)

// Producer is a node that publishes. Its methods may be called from any
// goroutine.
type Producer struct {
	cfg     Config
	node    *mesh.Node
	waiters map[*core.Log][]waiter // by offset
	journal *journaled             // nil without one
	tracer  *tracing.Tracer        // nil without a provider
	packer  *packer                // nil without compression
	enc     encoding
	calls   []func() // callbacks that are due
	calling bool     // some are under way
	told    told
	ackers  map[string]bool // the stores that have acknowledged a record
	err     error           // why the producer stopped by itself
	ended   bool
	stats   Stats
	waits   Histogram
}

// Start joins the mesh. It returns at once: towers, stores and consumers may
// come later, and what is published until then waits in the window.
func Start(c Config) (*Producer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	k, err := newPacker(c.Compression)
	if err != nil {
		return nil, fmt.Errorf("start producer: %w", err)
	}
	p := &Producer{cfg: c, packer: k, waiters: make(map[*core.Log][]waiter), waits: newWaits()}
	var uuid string
	if c.Journal != "" {
		j, err := openJournal(c)
		if err != nil {
			return nil, err
		}
		p.journal, uuid = j, j.UUID()
	}
	var restoreErr error
	var onSkip func(string, uint64)
	if c.OnDrop != nil {
		onSkip = p.dropped
	}
	_, err = mesh.Start(mesh.Config{
		OnSkip:     onSkip,
		NodeConfig: c.NodeConfig, UUID: uuid, Role: protocol.RoleProducer, MessageBytes: c.MessageBytes,
		Window: core.WindowConfig{
			Bytes: c.WindowBytes, StoreAcks: c.MinStoreAcks, Journal: p.journal != nil,
			HeadDelay: c.HeadDelay, HeadInterval: c.HeadInterval, HeadMax: headMax,
		},
	}, func(n *mesh.Node) mesh.Role {
		p.node = n
		p.tracer = tracing.New(c.NodeConfig, n.UUID(), "")
		p.setClock(n.Micros() / 1000)
		n.Work(p.callBack)
		if p.journal != nil {
			n.Work(p.syncJournal)
			restoreErr = p.restore()
		}
		return (*role)(p)
	})
	if err == nil && restoreErr != nil {
		err = restoreErr
		p.node.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start producer: %w", err), p.closeJournal())
	}
	return p, nil
}

// Address returns the producer's address: the name of its partitions.
func (p *Producer) Address() string { return p.node.UUID() }

// NextOffset returns the offset that the next record of a topic will have: the
// number of records ever published to it under this address.
func (p *Producer) NextOffset(topic string) uint64 {
	p.node.Lock()
	defer p.node.Unlock()
	if l := p.node.Window().Lookup(topic); l != nil {
		return l.Next()
	}
	return 0
}

// Publish appends a record to its topic, of which it copies all bytes. It blocks
// while the window is full of records that lack their acknowledgements; ctx ends
// that. A record that is refused takes no offset: ErrTopic, ErrTooLarge, ErrTime,
// ErrClosed, ErrIdentity, or the error of ctx.
func (p *Producer) Publish(ctx context.Context, r beck.Record) error {
	return p.publish(ctx, &r, true)
}

// TryPublish is Publish, but returns ErrFull where Publish would block.
func (p *Producer) TryPublish(r beck.Record) error {
	return p.publish(context.Background(), &r, false)
}

func (p *Producer) publish(ctx context.Context, r *beck.Record, wait bool) error {
	s := p.traced(ctx, r)
	err := p.publishOne(ctx, r, s, wait)
	s.End(err)
	return err
}

func (p *Producer) publishOne(ctx context.Context, r *beck.Record, s *tracing.Publishing, wait bool) error {
	if p.packer == nil {
		return p.publishAs(ctx, r, &content{bytes: compress.Plain(r.Value), span: s}, wait)
	}
	pack := p.packer.fill([]beck.Record{*r})
	defer p.packer.put(pack)
	pack.contents[0].span = s
	return p.publishAs(ctx, r, &pack.contents[0], wait)
}

func (p *Producer) publishAs(ctx context.Context, r *beck.Record, c *content, wait bool) error {
	p.node.Lock()
	defer p.node.Unlock()
	p.readClock()
	t, _, err := p.append(ctx, nil, r, c, wait)
	if err == nil {
		p.node.Push(t)
	}
	return err
}

// PublishBatch publishes records in order, under one lock. On an error those
// before the refused one are published.
func (p *Producer) PublishBatch(ctx context.Context, records []beck.Record) error {
	if p.tracer == nil || len(records) == 0 {
		return p.publishAll(ctx, records, nil)
	}
	s := p.tracer.Publish(ctx, records)
	err := p.publishAll(ctx, records, s)
	s.End(err)
	return err
}

func (p *Producer) publishAll(ctx context.Context, records []beck.Record, s *tracing.Publishing) error {
	if p.packer == nil {
		return p.publishBatch(ctx, records, nil, s)
	}
	for len(records) > 0 {
		pack := p.packer.fill(records)
		n := len(pack.contents)
		err := p.publishBatch(ctx, records[:n], pack.contents, s)
		p.packer.put(pack)
		if err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// publishBatch publishes records whose contents, where they are given, are not
// their values.
func (p *Producer) publishBatch(ctx context.Context, records []beck.Record, contents []content, s *tracing.Publishing) error {
	p.node.Lock()
	defer p.node.Unlock()
	p.readClock()
	var last *mesh.Topic
	defer func() {
		if last != nil {
			p.node.Push(last)
		}
	}()
	for i := range records {
		r, c := &records[i], content{}
		if last != nil && last.Log.Topic != r.Topic {
			p.node.Push(last)
			last = nil
		}
		if contents != nil {
			c = contents[i]
		} else {
			c.bytes = compress.Plain(r.Value)
		}
		c.span = s
		t, _, err := p.append(ctx, last, r, &c, true)
		if err != nil {
			return err
		}
		last = t
	}
	return nil
}

// PublishFunc publishes a record and calls done once: when MinStoreAcks stores
// have it on disk (with 0: at once), or with the error that kept it from being
// published, or with ErrClosed if the producer ends before. The calls come one
// at a time, those of a topic in order, and may publish; a slow one delays the
// others of PublishFunc, and one that calls Close waits for itself.
func (p *Producer) PublishFunc(ctx context.Context, r beck.Record, done func(beck.Offset, error)) {
	s := p.traced(ctx, &r)
	call := ending(s, done)
	if o, err := p.publishFunc(ctx, &r, s, waiter{call: call}); err != nil {
		p.node.Lock()
		defer p.node.Unlock()
		p.later(func() { call(o, err) })
		if p.node.Closed() { // its worker may have ended
			for p.callBack() {
			}
		}
	}
}

func (p *Producer) publishFunc(ctx context.Context, r *beck.Record, s *tracing.Publishing, w waiter) (beck.Offset, error) {
	c := content{bytes: compress.Plain(r.Value)}
	if p.packer != nil {
		pack := p.packer.fill([]beck.Record{*r})
		defer p.packer.put(pack)
		c = pack.contents[0]
	}
	c.span = s
	p.node.Lock()
	defer p.node.Unlock()
	p.readClock()
	t, seq, err := p.append(ctx, nil, r, &c, true)
	if err != nil {
		return beck.Offset{Topic: r.Topic, Partition: p.node.UUID()}, err
	}
	if w.seq = seq; seq < t.Log.Acked() {
		p.tell(w, t.Log, nil)
	} else {
		p.waiters[t.Log] = append(p.waiters[t.Log], w)
	}
	p.node.Push(t)
	return p.offset(t.Log, seq), nil
}

// PublishSync publishes a record and returns its offset when MinStoreAcks
// stores have it on disk. When ctx ends before that, the record is published
// all the same, and its offset is returned with the error of ctx.
func (p *Producer) PublishSync(ctx context.Context, r beck.Record) (beck.Offset, error) {
	s := p.traced(ctx, &r)
	done := make(chan error, 1)
	o, err := p.publishFunc(ctx, &r, s, waiter{sync: done})
	if err == nil {
		select {
		case err = <-done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.End(err)
	return o, err
}

func (p *Producer) offset(l *core.Log, seq uint64) beck.Offset {
	return beck.Offset{Topic: l.Topic, Partition: p.node.UUID(), Offset: seq}
}

// append needs the lock, which it gives up while it waits for room. t is the
// record's topic where the caller knows it, else nil.
func (p *Producer) append(ctx context.Context, t *mesh.Topic, r *beck.Record, c *content, wait bool) (*mesh.Topic, uint64, error) {
	if err := p.gone(); err != nil {
		return nil, 0, err
	}
	if t == nil {
		t = p.node.KnownTopic(r.Topic)
	}
	if t == nil { // that of a known one has been found good
		if err := validTopic(r.Topic); err != nil {
			return nil, 0, err
		}
	}
	if err := p.checkRecord(r, c); err != nil {
		return nil, 0, err
	}
	if t == nil {
		t = p.node.Topic(r.Topic)
	}
	if seq, ok := p.put(t, r, c); ok {
		return t, seq, nil
	}
	if !wait {
		return nil, 0, fmt.Errorf("publish to %q: %w", r.Topic, beck.ErrFull)
	}
	return p.appendWhenRoom(ctx, t, r, c)
}

func (p *Producer) appendWhenRoom(ctx context.Context, t *mesh.Topic, r *beck.Record, c *content) (*mesh.Topic, uint64, error) {
	p.node.Push(t)
	defer context.AfterFunc(ctx, p.wake)()
	for {
		if err := p.gone(); err != nil {
			return nil, 0, err
		}
		if err := ctx.Err(); err != nil {
			return nil, 0, fmt.Errorf("publish to %q: window is full: %w", r.Topic, err)
		}
		if seq, ok := p.put(t, r, c); ok {
			return t, seq, nil
		}
		p.node.Room().Wait()
		p.readClock() // for the rest of a batch too
	}
}

func (p *Producer) wake() {
	p.node.Lock()
	defer p.node.Unlock()
	p.node.Room().Broadcast()
}

// validTopic returns why records cannot be published to a topic.
func validTopic(topic string) error {
	if err := protocol.ValidTopic(topic); err != nil {
		return fmt.Errorf("publish to %q: %w", topic, err)
	}
	if strings.HasPrefix(topic, protocol.ReservedTopics) {
		return fmt.Errorf("publish to %q: %w: those that begin with %q are beck's own", topic, beck.ErrTopic, protocol.ReservedTopics)
	}
	return nil
}

func (p *Producer) gone() error {
	switch {
	case p.err != nil:
		return p.err
	case p.ended || p.node.Closed():
		return fmt.Errorf("producer: %w", beck.ErrClosed)
	}
	return nil
}

// Flush waits until everything published before the call has its
// acknowledgements; with MinStoreAcks 0, until the journal has it, if there is
// one, and the links have taken it.
func (p *Producer) Flush(ctx context.Context) error {
	if err := p.awaitAcks(ctx); err != nil || p.cfg.MinStoreAcks > 0 {
		return err
	}
	return p.node.Drain(ctx)
}

func (p *Producer) awaitAcks(ctx context.Context) error {
	defer context.AfterFunc(ctx, p.wake)()
	p.node.Lock()
	defer p.node.Unlock()
	targets := make(map[*core.Log]uint64)
	for _, l := range p.node.Window().Logs() {
		targets[l] = l.Next()
	}
	for l, end := range targets {
		for l.Acked() < end {
			if err := p.gone(); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.node.Room().Wait()
		}
	}
	return nil
}

// storedLinger is how long Close waits for links when the stores have
// everything: whoever is slower than that gets it from them.
const storedLinger = 500 * time.Millisecond

// Close announces the last offsets, lets the links take what was published, at
// most Config.Linger (half a second if stores have everything), and leaves. It
// does not wait for acknowledgements: Flush does. Callbacks that still wait get
// ErrClosed.
func (p *Producer) Close() error {
	p.node.Lock()
	already, failed, linger := p.ended, p.err, p.cfg.Linger
	p.ended = true
	if p.cfg.MinStoreAcks > 0 && p.node.Window().Unacked() == 0 {
		linger = min(linger, storedLinger)
	}
	p.node.Room().Broadcast()
	p.node.Unlock()
	if !already && failed == nil {
		p.awaitSync()
		p.node.Leave(linger)
	}
	p.node.Lock()
	p.dropWaiters(fmt.Errorf("producer: %w", beck.ErrClosed))
	p.node.Unlock()
	p.node.Close()
	return errors.Join(failed, p.closeJournal())
}

// awaitSync waits until the journal has everything.
func (p *Producer) awaitSync() {
	p.node.Lock()
	defer p.node.Unlock()
	for p.journal != nil && !p.journal.synced() && p.err == nil {
		p.node.Room().Wait()
	}
}

func (p *Producer) closeJournal() error {
	if p.journal == nil {
		return nil
	}
	return p.journal.Close()
}
