// Package consumer receives records from a mesh.
//
// A consumer hears the producers of its topics directly, and fetches what it
// missed from stores or from the producers. It delivers the records of each
// partition in order, each once, without a gap that it does not report.
package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/tally"
	"github.com/beckmesh/beck/internal/tracing"
	"github.com/beckmesh/beck/protocol"
)

// Consumer is a node that receives. Its methods may be called from any
// goroutine.
type Consumer struct {
	cfg    Config
	node   *mesh.Node
	rx     *mesh.Receiver
	tracer *tracing.Tracer // nil without a provider
	more   *sync.Cond      // the queue has something, or never will

	wants wants
	queue []delivery
	rest  []beck.Record             // that left the queue, and were not handed over after all
	drops map[core.Partition]uint64 // to be told to OnDrop
	lent  []loan                    // whose values the application has until its next call
	start start
	opening
	handed uint64
	taken  tally.Topics // that left the queue
	gaps   map[core.ReportKind]uint64
	pos    *progress // nil where none are saved
	name   *claim    // nil where no name is claimed in the mesh
	begun  bool      // the topics are asked for: saved positions, if any, are known
	cuts   cuts
	bounds bounds
	lookup *lookup       // under way
	early  []beck.Offset // sought before that
	failed error         // why the consumer stopped by itself
	closed bool          // Close was called
}

// delivery is a run on its way to the application.
type delivery struct {
	run      *mesh.Run
	at, end  int // of the run's records
	consumed int64
}

// Start joins the mesh and subscribes. It returns at once; Ready tells when
// everything known has been asked. With PositionsFile it opens that file: one
// that another process has open is ErrNameInUse, one that is not what was written
// ErrDamaged, one of a newer version ErrFormat.
func Start(c Config) (*Consumer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	c.StopAtEnd = c.StopAtEnd || !c.Until.IsZero()
	con := &Consumer{cfg: c, gaps: make(map[core.ReportKind]uint64), start: newStart(), bounds: newBounds(c)}
	list, _ := c.wants(c.Topics) // they are valid
	con.wants = wantsOf(list)
	con.opening.init(c.MessageBytes)
	if err := con.openPositions(); err != nil {
		return nil, fmt.Errorf("start consumer: %w", err)
	}
	_, err := mesh.Start(mesh.Config{
		NodeConfig: c.NodeConfig, Role: protocol.RoleConsumer, MessageBytes: c.MessageBytes,
		Window: con.window(),
	}, func(n *mesh.Node) mesh.Role {
		con.node = n
		con.tracer = tracing.New(c.NodeConfig, n.UUID(), c.SaveAs)
		con.rx = mesh.NewReceiver(n, core.NewIntake(c.intake()), (*role)(con))
		con.more = sync.NewCond(n.Locker())
		con.beginLoad(n.Now())
		return (*role)(con)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start consumer: %w", err), con.closePositions())
	}
	return con, nil
}

// Address returns the consumer's address.
func (c *Consumer) Address() string { return c.node.UUID() }

// Poll returns at least one and at most most records, waiting for the first.
// The values belong to the caller. It returns io.EOF at the end with StopAtEnd,
// ErrUnanswered when that end cannot be told or saved positions could not be
// read, ErrNameInUse when another consumer has their name, ErrClosed after Close,
// or the error of ctx. ErrValue is of one record, which counts as handed over: the
// next call goes on behind it.
func (c *Consumer) Poll(ctx context.Context, most int) ([]beck.Record, error) {
	c.node.Lock()
	if err := c.await(ctx); err != nil {
		c.node.Unlock()
		return nil, err
	}
	records := make([]beck.Record, c.count(max(most, 1)))
	n := c.take(records)
	cuts := c.cuts.begin()
	c.node.Unlock()
	n, err := c.handOver(records[:n], cuts)
	return records[:n], err
}

// PollInto is Poll for those who go through many records and let them go: it puts
// at most len(dst) of them into dst, which saves the memory of a new slice each
// time, and returns how many. The values belong to the caller as Poll's do. With
// an empty dst it returns 0 at once.
func (c *Consumer) PollInto(ctx context.Context, dst []beck.Record) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	c.node.Lock()
	if err := c.await(ctx); err != nil {
		c.node.Unlock()
		return 0, err
	}
	n := c.take(dst)
	cuts := c.cuts.begin()
	c.node.Unlock()
	return c.handOver(dst[:n], cuts)
}

// await waits until there are records to hand over, or returns why there never
// will be. It needs the lock.
func (c *Consumer) await(ctx context.Context) error {
	if !c.empty() {
		return nil
	}
	if err := c.finished(ctx); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, c.wake)()
	for c.empty() {
		if err := c.finished(ctx); err != nil {
			return err
		}
		c.more.Wait()
	}
	return nil
}

// empty reports whether there is nothing to hand over; of a consumer that is no
// more, nothing is.
func (c *Consumer) empty() bool { return c.gone() != nil || len(c.queue)+len(c.rest) == 0 }

func (c *Consumer) wake() {
	c.node.Lock()
	defer c.node.Unlock()
	c.more.Broadcast()
}

// finished returns why nothing more will come; nil while something may.
func (c *Consumer) finished(ctx context.Context) error {
	if err := c.gone(); err != nil {
		return err
	}
	switch {
	case c.cfg.StopAtEnd && c.start.err != nil:
		return c.start.err
	case c.cfg.StopAtEnd && c.start.ready && c.start.reached(c.rx.In):
		return io.EOF
	}
	return ctx.Err()
}

// take moves records out of the queue and gives their room back. It returns how
// many; what was put back comes first.
func (c *Consumer) take(dst []beck.Record) (n int) {
	if n = copy(dst, c.rest); n > 0 {
		c.rest = c.rest[n:]
	} else {
		n = c.takeQueued(dst)
		c.rx.Act()
	}
	c.handed += uint64(n)
	return n
}

func (c *Consumer) takeQueued(dst []beck.Record) (n int) {
	now := c.node.Now()
	c.takeBack()
	for n < len(dst) && len(c.queue) > 0 {
		d := &c.queue[0]
		taken, size := d.take(dst[n:])
		c.lend(d.run, taken)
		c.taken.Add(d.run.Partition.Topic, uint64(taken), size)
		n += taken
		if d.at == d.end {
			bytes := d.consumed
			c.queue[0] = delivery{}
			c.queue = c.queue[1:]
			c.rx.In.Consumed(bytes, now)
		}
	}
	if len(c.queue) == 0 {
		c.queue = nil
	}
	return n
}

// take moves records to dst, raw, and returns how many, and how long their values
// are as they came. It looks into none: the lock is held.
func (d *delivery) take(dst []beck.Record) (n int, size uint64) {
	run, n, source := d.run, min(len(dst), d.end-d.at), raw|beck.FromProducer
	if run.Stored {
		source = raw | beck.FromStore
	}
	for i := range dst[:n] {
		r, came := &dst[i], run.Record(d.at+i)
		r.Topic, r.Partition = run.Partition.Topic, run.Partition.Producer
		r.Offset = run.First + uint64(d.at+i)
		r.Key, r.Value, r.Source = came.Trailer, came.Content, source
		size += uint64(len(came.Content))
	}
	d.at += n
	return n, size
}

// count returns how many records the next take will give, of at most most.
func (c *Consumer) count(most int) (n int) {
	if len(c.rest) > 0 {
		return min(most, len(c.rest))
	}
	for i := range c.queue {
		if n += c.queue[i].end - c.queue[i].at; n >= most {
			return most
		}
	}
	return n
}

// recordsAtOnce is how many records Records takes from the queue at a time.
const recordsAtOnce = 1024

// Records yields records as they come, until ctx ends, the consumer is closed
// or, with StopAtEnd, everything known at the start has come. An error is
// yielded last, with an empty record; the end of ctx and io.EOF are none. Only
// ErrValue is of one record, which is yielded with it, without its value: the loop
// goes on behind that one. After a loop was left, another, or Poll, goes on with the record behind the last one.
func (c *Consumer) Records(ctx context.Context) iter.Seq2[beck.Record, error] {
	return func(yield func(beck.Record, error) bool) {
		var space []beck.Record // used again for each batch
		for ctx.Err() == nil {
			b, err := c.begin(ctx, space)
			space = b.records
			if !c.yield(ctx, b, yield) {
				return
			}
			if err == nil {
				continue
			}
			if ctx.Err() == nil && !errors.Is(err, io.EOF) {
				yield(beck.Record{}, err)
			}
			return
		}
	}
}

// yield hands a batch over, and reports whether the loop goes on.
func (c *Consumer) yield(ctx context.Context, b *batch, yield func(beck.Record, error) bool) bool {
	done, left, over := 0, true, ctx.Done() // left also by a panic
	defer func() {
		b.at.Store(int64(done))
		c.end(b, left && len(b.records) > 0)
	}()
	o := c.openers.Get().(*opener)
	defer c.openers.Put(o)
	for i := range b.records {
		if c.cuts.made.Load() != b.cuts || ended(over) {
			b.cut = true
			return true
		}
		r := b.records[i] // there it stays raw, for who goes on when this loop is left
		err := o.open(&r)
		if c.tracer != nil {
			c.received(time.Now(), r)
		}
		if !yield(r, err) {
			return false
		}
		if done = i + 1; c.pos != nil {
			b.at.Store(int64(done))
		}
	}
	left = false
	return true
}

// ended reports whether a context whose Done is given has ended.
func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Ready waits until everything known at the start is linked and asked: each
// tower that can be reached has named its nodes, and each of these has listed
// what it has. What is published from then on is delivered also with Latest. A
// store that was announced and does not answer within 5 s is ErrUnanswered. The
// end of ctx counts only while that is still to come. With SaveAs, that begins
// when the saved positions are there.
func (c *Consumer) Ready(ctx context.Context) error {
	select {
	case <-c.start.done:
		return c.start.err
	default:
	}
	select {
	case <-c.start.done:
		return c.start.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// releasePatience is how long Close waits for the towers to know that a name is
// free.
const releasePatience = 250 * time.Millisecond

// Close leaves the mesh. Calls that wait return ErrClosed, and a loop over Records
// ends, whatever was received by then. What was finished and not committed is not
// saved.
func (c *Consumer) Close() error {
	c.endCalls()
	c.node.Release(releasePatience)
	c.node.Close()
	return c.closePositions()
}

// endCalls has the application's calls end before Close waits for anything: for a
// hook, say, that waits for one of them.
func (c *Consumer) endCalls() {
	c.node.Lock()
	defer c.node.Unlock()
	c.closed = true
	c.cuts.made.Add(1) // a loop looks at nothing else
	c.start.end(c.gone())
	c.more.Broadcast()
}
