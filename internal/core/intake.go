package core

import (
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/planted"
)

// IntakeConfig says how an intake receives.
type IntakeConfig struct {
	Store    bool // keep records, rather than deliver them to an application
	Earliest bool // begin a partition at its first record, not behind its head
	Stored   bool // deliver only what a store has on disk

	QueueBytes    int64 // delivered and not consumed, together with what was asked for
	AheadBytes    int64 // held ahead of gaps, over all partitions
	MaxPartitions int

	FetchTimeout     time.Duration // silence after which a source is replaced
	Retry            time.Duration // until a source that refused is asked again
	StallAfter       time.Duration // until a range that nobody serves is reported
	SkipMissingAfter time.Duration // until a stalled range is skipped; 0: never

	AskEvery    time.Duration // between two GET-HEADS to one source
	AskMax      time.Duration // what that grows to while nothing changes
	ListSilence time.Duration // after which a foreign node's list counts as complete
}

// DefaultIntakeConfig returns the times and bounds that nodes use.
func DefaultIntakeConfig() IntakeConfig {
	return IntakeConfig{
		QueueBytes: 32 << 20, AheadBytes: 16 << 20, MaxPartitions: 1 << 20,
		FetchTimeout: 2 * time.Second, Retry: time.Second, StallAfter: 3 * time.Second,
		AskEvery: 5 * time.Second, AskMax: time.Minute, ListSilence: 500 * time.Millisecond,
	}
}

// Source is a linked peer that a node can send FETCH to and hear answers from.
type Source struct {
	ID      string
	All     bool // serves every partition (a store), not only its own
	Lists   bool // answers GET-HEADS
	Foreign bool // not a beck node: it sends no refusals and no end of list
}

// Run is consecutive records of one partition as one link brought them.
type Run struct {
	Partition Partition
	First     uint64
	Count     int
	Bytes     int64
	Data      any // the shell's handle on the records
}

// End returns the sequence after the run's last record.
func (r Run) End() uint64 { return r.First + uint64(r.Count) }

// Statement is what a HEAD or DIRECT-HEAD says of a partition: its sender has
// the records Lowest to Head.
type Statement struct {
	Partition Partition
	Head      uint64 // the last sequence
	Lowest    uint64 // the lowest sequence that the sender can serve
	Tail      uint64 // what is below has expired
	HasLowest bool
	HasTail   bool
	Time      uint64 // where the time (ms since 1970) that was asked for begins: at
	From      uint64 // this sequence, or behind the head; 0 if Time is
}

// Delivery is a part of a run whose turn has come.
type Delivery struct {
	Run  Run
	Part Range  // what of the run to deliver
	From string // Orders.Complete: who gave it
}

// FetchOrder asks for records.
type FetchOrder struct {
	Source    string
	Partition Partition
	First     uint64
	Count     uint32
}

// AskOrder asks a source for its heads.
type AskOrder struct {
	Source, Topic string
	Time          uint64 // ms since 1970: and where that begins in each partition; 0: do not say
}

// LiveOrder starts or ends a producer's live records of what is wanted. Its heads
// keep coming.
type LiveOrder struct {
	Want     Want
	Producer string
	On       bool
}

// ReportKind tells what happened to a partition.
type ReportKind int

// What an intake reports.
const (
	Stalled ReportKind = iota + 1 // no linked node has the range; it is retried
	Resumed                       // what stalled goes on: the range begins to come
	Skipped                       // the range was given up as missing
	Expired                       // the range has passed its retention
	Ahead                         // the position to go on from is beyond what anybody has: the range is gone
	Damaged                       // a record came that was not as its producer sent it; it is fetched again
)

// String returns the kind as a word.
func (k ReportKind) String() string {
	return [...]string{"", "stalled", "resumed", "skipped", "expired", "ahead", "damaged"}[k]
}

// Report names a range of a partition and what happened to it.
type Report struct {
	Kind      ReportKind
	Partition Partition
	Range     Range
}

// Orders is what an intake decided since the last Take: deliver first, then
// ask and report.
type Orders struct {
	Deliver  []Delivery
	Fill     []Delivery // a store's: records that were missing below what was delivered
	Complete []Delivery // a store's: records with trailers, of which it has them without
	Fetch    []FetchOrder
	Ask      []AskOrder
	Live     []LiveOrder
	Reports  []Report
}

// Empty reports whether there is nothing to do.
func (o *Orders) Empty() bool {
	return len(o.Deliver)+len(o.Fill)+len(o.Complete)+len(o.Fetch)+len(o.Ask)+len(o.Live)+len(o.Reports) == 0
}

func (o *Orders) reset() {
	clear(o.Deliver)
	clear(o.Fill)
	clear(o.Complete)
	o.Fill, o.Complete = o.Fill[:0], o.Complete[:0]
	o.Deliver, o.Fetch, o.Ask = o.Deliver[:0], o.Fetch[:0], o.Ask[:0]
	o.Live, o.Reports = o.Live[:0], o.Reports[:0]
}

// IntakeStats counts what an intake met.
type IntakeStats struct {
	Delivered  uint64 // records
	Filled     uint64 // records that had been missing
	HeldRuns   uint64 // runs held ahead of a gap
	Duplicates uint64 // records that had been delivered before
	NoRoom     uint64 // records that did not fit and are fetched later
	Fetches    uint64
	Timeouts   uint64 // fetches that their source did not answer
	Refusals   uint64
	Damaged    uint64 // records whose checksum was not theirs
	Unbelieved uint64 // records from a source that may not speak for them
	Overflow   uint64 // statements and records of partitions beyond the bound
}

// Intake receives partitions: it puts records in order, finds gaps, fetches
// what is missing from whoever has it, and takes no more than fits.
type Intake struct {
	cfg          IntakeConfig
	wants        []*want          // sorted
	topics       map[string]*want // those that are one topic, or all
	lists        []string         // of heads that are asked for, sorted: of a topic, or "" of all
	all          bool             // every topic is wanted
	pauses       []pause
	lookup       *lookup
	parts        map[Partition]*part
	active       map[*part]struct{} // with a gap, a fetch or a stall
	mends        map[*mend]struct{} // that want something
	waiting      []*part            // for credit
	mendsWaiting []*mend            // for credit, behind those
	sources      map[string]*source
	sorted       []*source
	started      map[string]time.Time // when producers started, where they say
	stores       bool                 // a store was met: foreign producers may have been acknowledged

	queued int64 // delivered, not consumed
	asked  int64 // estimate of what fetches under way will bring
	ahead  int64 // held ahead of gaps
	ready  bool

	soonest time.Time // the earliest wake set since NextWake
	out     *Orders   // decided
	taken   *Orders   // being carried out
	Stats   IntakeStats
}

// NewIntake returns an intake that wants nothing yet.
func NewIntake(cfg IntakeConfig) *Intake {
	return &Intake{
		cfg: cfg, topics: make(map[string]*want), parts: make(map[Partition]*part),
		active: make(map[*part]struct{}), mends: make(map[*mend]struct{}), sources: make(map[string]*source),
		started: make(map[string]time.Time), out: new(Orders), taken: new(Orders),
	}
}

// Take returns what was decided since the last call. It is valid until Release;
// what carrying it out makes the intake decide is for the next call.
func (in *Intake) Take() *Orders {
	in.out, in.taken = in.taken, in.out
	return in.taken
}

// Release forgets the orders that Take returned.
func (in *Intake) Release() { in.taken.reset() }

// Started notes when a producer's process started, as its beacon says.
func (in *Intake) Started(producer string, at time.Time) {
	if len(in.started) < in.cfg.MaxPartitions {
		in.started[producer] = at
	}
}

// StoreKnown notes that there is a store, though it may not be linked: what it
// has is not to be taken for missing.
func (in *Intake) StoreKnown() { in.stores = true }

// part returns a wanted partition, made when it is new; nil when it is not
// wanted or there are too many.
func (in *Intake) part(p Partition) *part {
	if q := in.parts[p]; q != nil {
		return q
	}
	over := in.covering(p.Topic)
	if len(over) == 0 && !in.all {
		return nil
	}
	if len(in.parts) >= in.cfg.MaxPartitions {
		in.Stats.Overflow++
		return nil
	}
	q := newPart(p, over)
	if in.cfg.Stored && !planted.Is(planted.StoredIgnored) {
		q.bound = 0
	}
	in.parts[p] = q
	in.enter(q)
	return q
}

func (in *Intake) forget(q *part) {
	for _, t := range q.wants {
		if t.Pattern {
			t.count(q, -1)
		}
	}
	in.endFetch(q)
	in.setAsked(q, 0)
	in.ahead -= q.heldBytes()
	delete(in.active, q)
	delete(in.parts, q.Partition)
	in.waiting = slices.DeleteFunc(in.waiting, func(w *part) bool { return w == q })
	in.forgetMends(q)
}

// Next returns the sequence that partition p delivers next.
func (in *Intake) Next(p Partition) (uint64, bool) {
	q := in.parts[p]
	if q == nil || !q.settled {
		return 0, false
	}
	return q.next, true
}

// Heads returns, for every partition, the sequence after the highest known; with
// Stored, after the highest that a store has.
func (in *Intake) Heads() map[Partition]uint64 {
	heads := make(map[Partition]uint64, len(in.parts))
	for p, q := range in.parts {
		heads[p] = min(q.head, q.bound)
	}
	return heads
}

// Consumed gives back the room of bytes that were delivered.
func (in *Intake) Consumed(bytes int64, now time.Time) {
	if !planted.Is(planted.RoomLeaks) {
		in.queued -= bytes
	}
	in.grant(now)
}

// Queued returns the bytes delivered and not consumed.
func (in *Intake) Queued() int64 { return in.queued }

// Held returns the bytes held ahead of gaps.
func (in *Intake) Held() int64 { return in.ahead }

// sortedActive returns, in order, those of the partitions that need attention
// for which filter holds.
func (in *Intake) sortedActive(filter func(*part) bool) []*part {
	var parts []*part
	for q := range in.active {
		if filter(q) {
			parts = append(parts, q)
		}
	}
	slices.SortFunc(parts, func(a, b *part) int { return a.Compare(b.Partition) })
	return parts
}

// Tick replaces silent sources, retries what was refused, asks for heads.
func (in *Intake) Tick(now time.Time) {
	for _, s := range in.sorted {
		in.tickAsks(s, now)
	}
	for _, q := range in.sortedActive(func(q *part) bool { return !q.wake.IsZero() && !now.Before(q.wake) }) {
		q.wake = time.Time{}
		in.pursue(q, now)
	}
	in.tickMends(now)
	in.grant(now)
}

// wakeAt plans the next look at a partition.
func (in *Intake) wakeAt(q *part, at time.Time) {
	q.wake = at
	in.soonest = earlier(in.soonest, at)
}

// Soonest returns the earliest time that was planned since the last call of
// NextWake; zero when none was. It is cheap, for use after every event.
func (in *Intake) Soonest() time.Time { return in.soonest }

// NextWake returns when Tick has something to do; zero for never.
func (in *Intake) NextWake() (next time.Time) {
	in.soonest = time.Time{}
	for _, s := range in.sorted {
		next = earlier(next, s.due)
	}
	for q := range in.active {
		next = earlier(next, q.wake)
	}
	for m := range in.mends {
		next = earlier(next, m.wake)
	}
	return next
}

// sourceIndex returns where a source stands, or would stand, among the sorted.
func (in *Intake) sourceIndex(id string) (int, bool) {
	return slices.BinarySearchFunc(in.sorted, id, func(s *source, id string) int { return strings.Compare(s.ID, id) })
}
