package core

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestIntake runs the scripts in testdata/intake. Each command happens at=T
// after the start (default: the time of the command before), all wakes until
// then served, and prints what the intake ordered. Partitions are written
// topic/producer; "max" is 2^64-1.
//
//	intake [want=(T,...)|all] [store] [earliest] [stored] [queue=N ahead=N parts=N] [skip=D]
//	source id=S [all] [lists] [foreign]       a peer can be asked; down id=S
//	live p=P first=N [count=N size=N from=S]  live records, size bytes each, of the producer if nobody is named
//	answer from=S p=P first=N [count=N size=N]   as the answer to a FETCH
//	head p=P head=N [from=S] [lowest=N tail=N]   a HEAD, of the producer if nobody is named; or a store's STORED
//	damaged p=P seq=N [from=S] [answer]       a record with another's checksum
//	says from=S p=P head=N [lowest=N tail=N]  a DIRECT-HEAD
//	list-end from=S topic=T
//	started id=P ago=D                        what a beacon says
//	want|unwant topic=T|pattern=T [newest=N|last=N|earliest|offset=N|by-time], wants, ready,
//	pause|unpause topic=T|pattern=T [id=P], standing, seek p=P next=N
//	look-up time=N topic=T|pattern=T, looking, looked-up from=S [topic=T] time=N, found p=P
//	        heads of such a list have time=N at-seq=N
//	 resume p=P next=N, ignore p=P
//	consume [bytes=N]                         all that was delivered, or N bytes
//	acked p=P, may-ack p=P                    a store's
//	bare p=P holes=(A-B,...) below=N          what it has without trailers
//	lack p=P holes=(A-B,...) below=N, trim p=P tail=N, rewind p=P next=N, ack-below p=P
//	wait                                      goes to the next wake
//	next p=P, held, stats, listed id=S, lacking
func TestIntake(t *testing.T) {
	datadriven.Walk(t, "testdata/intake", func(t *testing.T, path string) {
		s := intakeScript{}
		datadriven.RunTest(t, path, s.run)
	})
}

type intakeScript struct {
	in  *Intake
	now time.Time
	out strings.Builder
}

func (s *intakeScript) run(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	if d.Cmd == "intake" {
		s.start(t, d)
		return ""
	}
	if d.HasArg("at") {
		s.advance(t, d, peersEpoch.Add(scanDuration(t, d, "at")))
	}
	switch d.Cmd {
	case "advance":
	case "wait":
		next := s.in.NextWake()
		if next.IsZero() {
			return "for nothing\n"
		}
		fmt.Fprintln(&s.out, "at", next.Sub(peersEpoch))
		s.tick(t, d, next)
	case "ready":
		s.in.SetReady(s.now)
	case "want":
		s.in.WantFrom(scanWant(t, d), scanStart(t, d), s.now)
	case "unwant":
		s.in.Drop(scanWant(t, d))
	case "pause":
		s.in.Pause(scanSelection(t, d), s.now)
	case "unpause":
		s.in.Unpause(scanSelection(t, d), s.now)
	case "standing":
		for _, st := range s.in.Standings(scanSelection(t, d)) {
			fmt.Fprintf(&s.out, "%v next %d head %d%s%s\n", st.Partition, st.Next, st.Head,
				map[bool]string{false: " unnamed"}[st.Named], map[bool]string{true: " paused"}[st.Paused])
		}
	case "look-up":
		s.in.LookUp(scanBig(t, d, "time", 0), []Want{scanWant(t, d)}, s.now)
	case "looking":
		fmt.Fprintln(&s.out, s.in.LookingUp())
	case "wants":
		fmt.Fprintln(&s.out, s.in.Wants())
	case "consume":
		bytes := s.in.Queued()
		d.MaybeScanArgs(t, "bytes", &bytes)
		s.in.Consumed(bytes, s.now)
	case "held":
		fmt.Fprintf(&s.out, "queued %d, asked %d, held %d, waiting %d\n", s.in.Queued(), s.in.asked, s.in.Held(), len(s.in.waiting))
	case "lacking":
		fmt.Fprintln(&s.out, s.in.Lacking())
	case "stats":
		fmt.Fprintf(&s.out, "%+v\n", s.in.Stats)
	default:
		s.ofSource(t, d)
	}
	s.orders()
	return s.out.String()
}

func (s *intakeScript) start(t *testing.T, d *datadriven.TestData) {
	cfg := DefaultIntakeConfig()
	cfg.Stored = d.HasArg("stored")
	cfg.Store, cfg.Earliest = d.HasArg("store"), d.HasArg("earliest") || d.HasArg("store")
	d.MaybeScanArgs(t, "queue", &cfg.QueueBytes)
	d.MaybeScanArgs(t, "ahead", &cfg.AheadBytes)
	d.MaybeScanArgs(t, "parts", &cfg.MaxPartitions)
	if d.HasArg("skip") {
		cfg.SkipMissingAfter = scanDuration(t, d, "skip")
	}
	s.in, s.now = NewIntake(cfg), peersEpoch
	for _, arg := range d.CmdArgs {
		if arg.Key != "want" {
			continue
		}
		for _, topic := range arg.Vals {
			if topic == "all" {
				s.in.WantAll(s.now)
			} else {
				s.in.Want(topic, s.now)
			}
		}
	}
}

// ofSource runs the commands that concern a source; those of a partition it passes
// on.
func (s *intakeScript) ofSource(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "source":
		s.in.SourceUp(Source{
			ID: scanString(t, d, "id"), All: d.HasArg("all"), Lists: d.HasArg("lists"), Foreign: d.HasArg("foreign"),
		}, s.now)
	case "down":
		s.in.SourceDown(scanString(t, d, "id"), s.now)
	case "started":
		s.in.Started(scanString(t, d, "id"), s.now.Add(-scanDuration(t, d, "ago")))
	case "looked-up":
		s.in.LookedUp(scanString(t, d, "from"), scanList(t, d), scanBig(t, d, "time", 0))
	case "list-end":
		topic := ""
		d.MaybeScanArgs(t, "topic", &topic)
		s.in.ListEnd(scanString(t, d, "from"), topic, s.now)
	case "listed":
		fmt.Fprintln(&s.out, s.in.Listed(scanString(t, d, "id"), s.now))
	case "live", "answer", "damaged", "head", "says":
		s.comes(t, d, scanPartition(t, d))
	default:
		s.ofPartition(t, d, scanPartition(t, d))
	}
}

// comes runs the commands by which something of a partition comes from a source:
// its producer, unless another is named.
func (s *intakeScript) comes(t *testing.T, d *datadriven.TestData, p Partition) {
	from := p.Producer
	d.MaybeScanArgs(t, "from", &from)
	switch d.Cmd {
	case "live":
		s.in.Receive(from, false, scanRun(t, d, p), s.now)
	case "answer":
		s.in.Receive(scanString(t, d, "from"), true, scanRun(t, d, p), s.now)
	case "damaged":
		s.in.Damaged(from, d.HasArg("answer"), p, scanBig(t, d, "seq", 0), s.now)
	case "head", "says":
		st := Statement{Partition: p, Head: scanBig(t, d, "head", 0), HasLowest: d.HasArg("lowest"), HasTail: d.HasArg("tail")}
		st.Lowest, st.Tail = scanBig(t, d, "lowest", 0), scanBig(t, d, "tail", 0)
		st.Time, st.From = scanBig(t, d, "time", 0), scanBig(t, d, "at-seq", 0)
		s.in.State(from, d.Cmd == "says", st, s.now)
	}
}

// ofPartition runs the commands by which a node says or asks something of a
// partition.
func (s *intakeScript) ofPartition(t *testing.T, d *datadriven.TestData, p Partition) {
	switch d.Cmd {
	case "resume":
		s.in.Resume(p, scanBig(t, d, "next", 0))
	case "seek":
		if !s.in.Seek(p, scanBig(t, d, "next", 0), s.now) {
			fmt.Fprintln(&s.out, "not wanted")
		}
	case "found":
		fmt.Fprintln(&s.out, fmt.Sprint(s.in.Found(p)))
	case "ignore":
		s.in.Ignore(p, s.now)
	case "acked":
		s.in.Acknowledged(p)
	case "bare":
		s.in.Bare(p, scanHoles(t, d), scanBig(t, d, "below", 0), s.now)
	case "lack":
		s.in.Lack(p, scanHoles(t, d), scanBig(t, d, "below", 0), s.now)
	case "trim":
		s.in.Trim(p, scanBig(t, d, "tail", 0), s.now)
	case "rewind":
		s.in.Rewind(p, scanBig(t, d, "next", 0), s.now)
	case "ack-below":
		if below := s.in.AcknowledgeBelow(p); below != ^uint64(0) {
			fmt.Fprintln(&s.out, below)
		} else {
			fmt.Fprintln(&s.out, "no bound")
		}
	case "may-ack":
		fmt.Fprintln(&s.out, s.in.MayAcknowledge(p))
	case "next":
		next, settled := s.in.Next(p)
		fmt.Fprintln(&s.out, next, map[bool]string{true: "settled", false: "not settled"}[settled])
	default:
		t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	}
}

func (s *intakeScript) advance(t *testing.T, d *datadriven.TestData, to time.Time) {
	for next := s.in.NextWake(); !next.IsZero() && next.Before(to); next = s.in.NextWake() {
		before := s.out.Len()
		s.tick(t, d, next)
		s.orders()
		if text := s.out.String(); len(text) > before {
			s.out.Reset()
			fmt.Fprintf(&s.out, "%sat %v\n%s", text[:before], next.Sub(peersEpoch), text[before:])
		}
	}
	s.now = to
}

// tick serves a wake, after which the next one must lie ahead.
func (s *intakeScript) tick(t *testing.T, d *datadriven.TestData, at time.Time) {
	if at.Before(s.now) {
		t.Fatalf("%s: wake at %v, now %v", d.Pos, at.Sub(peersEpoch), s.now.Sub(peersEpoch))
	}
	s.now = at
	s.in.Tick(at)
	if next := s.in.NextWake(); !next.IsZero() && !next.After(at) {
		t.Fatalf("%s: after the wake at %v the next is at %v", d.Pos, at.Sub(peersEpoch), next.Sub(peersEpoch))
	}
}

// orders prints what the intake decided, and forgets it.
func (s *intakeScript) orders() {
	o := s.in.Take()
	for _, d := range o.Deliver {
		fmt.Fprintf(&s.out, "deliver %v %v\n", d.Run.Partition, d.Part)
	}
	for _, d := range o.Fill {
		fmt.Fprintf(&s.out, "fill %v %v\n", d.Run.Partition, d.Part)
	}
	for _, d := range o.Complete {
		fmt.Fprintf(&s.out, "complete %v %v\n", d.Run.Partition, d.Part)
	}
	for _, f := range o.Fetch {
		fmt.Fprintf(&s.out, "fetch from %s %v %v\n", f.Source, f.Partition, Range{f.First, f.First + uint64(f.Count)})
	}
	for _, a := range o.Ask {
		fmt.Fprintf(&s.out, "ask %s for %s", a.Source, a.Topic)
		if a.Time > 0 {
			fmt.Fprintf(&s.out, " at %d", a.Time)
		}
		fmt.Fprintln(&s.out)
	}
	for _, l := range o.Live {
		fmt.Fprintf(&s.out, "live %s/%s %s\n", l.Want.Name, l.Producer, map[bool]string{true: "on", false: "off"}[l.On])
	}
	for _, r := range o.Reports {
		fmt.Fprintf(&s.out, "%v %v %v\n", r.Kind, r.Partition, r.Range)
	}
	s.in.Release()
}

// scanHoles reads ranges, each with its last sequence.
func scanHoles(t *testing.T, d *datadriven.TestData) (holes []Range) {
	for _, arg := range d.CmdArgs {
		if arg.Key != "holes" {
			continue
		}
		for _, text := range arg.Vals {
			var r Range
			if _, err := fmt.Sscanf(text, "%d-%d", &r.First, &r.End); err != nil {
				t.Fatalf("%s: %q: %v", d.Pos, text, err)
			}
			r.End++
			holes = append(holes, r)
		}
	}
	return holes
}

func scanRun(t *testing.T, d *datadriven.TestData, p Partition) Run {
	count, size := 1, 100
	d.MaybeScanArgs(t, "count", &count)
	d.MaybeScanArgs(t, "size", &size)
	return Run{Partition: p, First: scanBig(t, d, "first", 0), Count: count, Bytes: int64(count) * int64(size)}
}

// scanBig reads a sequence, which may be written as max or max-N.
func scanBig(t *testing.T, d *datadriven.TestData, key string, n uint64) uint64 {
	if !d.HasArg(key) {
		return n
	}
	text := scanString(t, d, key)
	rest, big := strings.CutPrefix(text, "max")
	if !big {
		return scanSeq(t, d, key)
	}
	if rest != "" {
		fmt.Sscanf(rest, "-%d", &n)
	}
	return ^uint64(0) - n
}

// scanWant reads topic=T or pattern=T.
func scanWant(t *testing.T, d *datadriven.TestData) Want {
	if d.HasArg("pattern") {
		return Want{scanString(t, d, "pattern"), true}
	}
	return Want{Name: scanString(t, d, "topic")}
}

func scanSelection(t *testing.T, d *datadriven.TestData) (s Selection) {
	if d.HasArg("topic") || d.HasArg("pattern") {
		s.Want = scanWant(t, d)
	}
	d.MaybeScanArgs(t, "id", &s.Producer)
	return s
}

func scanList(t *testing.T, d *datadriven.TestData) (list string) {
	d.MaybeScanArgs(t, "topic", &list)
	return list
}

func scanStart(t *testing.T, d *datadriven.TestData) Start {
	for key, kind := range map[string]StartKind{
		"newest": StartNewest, "last": StartLast, "earliest": StartEarliest, "offset": StartOffset, "by-time": StartTime,
	} {
		if d.HasArg(key) {
			n := uint64(0)
			if key != "earliest" && key != "by-time" {
				n = scanBig(t, d, key, 0)
			}
			return Start{kind, n}
		}
	}
	return Start{}
}
