package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestPublish runs the scripts in testdata/publish: a window, and links that
// send from it. What is sent is decoded by the sizes that were appended, so that
// a slice which begins or ends inside a message fails the test.
//
//	window bytes=N [acks=K] [delay=D interval=D max=D]   a new publisher
//	link id=L [control=BYTES] [jobs=N]                   a new link
//	subscribe|cancel link=L prefix=Mtopic                "~" stands for the terminator
//	publish topic=T [n=N] [size=BYTES]                   stops where there is no room
//	ack store=S topic=T seq=N
//	send link=L [items=N] [step=N] [hold]                all, or N items; N records a step of an answer;
//	                                                     hold keeps the last slice pinned
//	release link=L                                       what was held
//	control link=L size=N
//	fetch link=L from=REQUESTER p=T/P first=N count=N
//	heads link=L from=REQUESTER [topic=T]
//	tick, announce, state, match
//
// Any command may say at=T, the time since the start.
func TestPublish(t *testing.T) {
	datadriven.Walk(t, "testdata/publish", func(t *testing.T, path string) {
		s := publishScript{}
		datadriven.RunTest(t, path, s.run)
	})
}

type publishScript struct {
	window *Window
	links  map[string]*testLink
	now    time.Time
	step   uint64 // records that an answer advances by at a time
}

func (s *publishScript) run(t *testing.T, d *datadriven.TestData) string {
	if d.HasArg("at") {
		s.now = peersEpoch.Add(scanDuration(t, d, "at"))
	}
	switch d.Cmd {
	case "window":
		s.start(t, d)
		return ""
	case "link":
		cfg := DefaultOutletConfig()
		d.MaybeScanArgs(t, "control", &cfg.ControlBytes)
		d.MaybeScanArgs(t, "jobs", &cfg.Jobs)
		s.links[scanString(t, d, "id")] = &testLink{Outlet: NewOutlet(cfg)}
		return ""
	case "publish":
		return s.publish(t, d)
	case "ack":
		acked, ok := s.window.Lookup(scanString(t, d, "topic")).Ack(scanString(t, d, "store"), scanSeq(t, d, "seq"))
		if !ok {
			return "never written\n"
		}
		return fmt.Sprintf("acked %d\n", acked)
	case "tick":
		for _, l := range s.window.Tick(s.now) {
			s.wake(l)
		}
		return s.wakeIn()
	case "announce":
		s.window.Announce(s.now)
		for _, l := range s.window.Logs() {
			s.wake(l)
		}
		return s.wakeIn()
	case "state":
		return s.state()
	}
	return s.onLink(t, d, s.links[scanString(t, d, "link")])
}

func (s *publishScript) start(t *testing.T, d *datadriven.TestData) {
	cfg := WindowConfig{HeadDelay: 20 * time.Millisecond, HeadInterval: time.Second, HeadMax: 10 * time.Second}
	d.ScanArgs(t, "bytes", &cfg.Bytes)
	d.MaybeScanArgs(t, "acks", &cfg.StoreAcks)
	for key, to := range map[string]*time.Duration{"delay": &cfg.HeadDelay, "interval": &cfg.HeadInterval, "max": &cfg.HeadMax} {
		if d.HasArg(key) {
			*to = scanDuration(t, d, key)
		}
	}
	s.window, s.links, s.now = NewWindow(cfg), map[string]*testLink{}, peersEpoch
}

// onLink runs the commands that concern one link.
func (s *publishScript) onLink(t *testing.T, d *datadriven.TestData, l *testLink) string {
	switch d.Cmd {
	case "subscribe", "cancel":
		return s.subscribe(l, d.Cmd == "subscribe", strings.ReplaceAll(scanString(t, d, "prefix"), "~", "\x00"))
	case "control":
		return fmt.Sprintln(map[bool]string{true: "queued", false: "close the link"}[l.Control(scanInt(t, d, "size"))])
	case "fetch":
		if !l.Fetch(scanPartition(t, d), scanString(t, d, "from"), scanSeq(t, d, "first"), scanSeq(t, d, "count"), true) {
			return fmt.Sprintf("refused, %d so far\n", l.Refused)
		}
		return ""
	case "heads":
		var topic string
		d.MaybeScanArgs(t, "topic", &topic)
		if !l.Heads(topic, scanString(t, d, "from"), true) {
			return fmt.Sprintf("refused, %d so far\n", l.Refused)
		}
		return ""
	case "send":
		items := 1 << 20
		d.MaybeScanArgs(t, "items", &items)
		s.step = 1000
		d.MaybeScanArgs(t, "step", &s.step)
		return s.send(t, l, items, d.HasArg("hold"))
	case "release":
		s.window.Unpin(l.held)
		l.held = nil
		return s.state()
	case "match":
		return fmt.Sprintln(l.Subs.MatchTopic('M', scanString(t, d, "topic")), "of", l.Subs.Len())
	}
	t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	return ""
}

func (s *publishScript) subscribe(l *testLink, on bool, prefix string) string {
	if on {
		fresh, ok := l.Subs.Add(prefix)
		if !ok {
			return "refused\n"
		}
		if !fresh {
			return "held already\n"
		}
	} else if !l.Subs.Remove(prefix) {
		return "still held\n"
	}
	for _, log := range s.window.Logs() {
		l.Follow(log)
	}
	return ""
}

func (s *publishScript) publish(t *testing.T, d *datadriven.TestData) string {
	n, size := 1, 100
	d.MaybeScanArgs(t, "n", &n)
	d.MaybeScanArgs(t, "size", &size)
	log, fresh := s.window.Log(scanString(t, d, "topic"))
	first := log.Next()
	for _, l := range s.links {
		if fresh {
			l.Follow(log)
		}
	}
	for range n {
		if !appendTo(s.window, log, size, s.now) {
			break
		}
		s.wake(log)
	}
	text := "nothing"
	if log.Next() > first {
		text = Range{first, log.Next()}.String()
	}
	if log.Next() < first+uint64(n) {
		text += ", then no room"
	}
	return text + "\n"
}

func (s *publishScript) wake(log *Log) {
	for _, l := range s.links {
		l.Wake(log)
	}
}

func (s *publishScript) wakeIn() string {
	next := s.window.NextWake()
	if next.IsZero() {
		return "wake never\n"
	}
	return fmt.Sprintln("wake in", next.Sub(s.now))
}

func (s *publishScript) send(t *testing.T, l *testLink, items int, hold bool) string {
	var b strings.Builder
	for range items {
		skipped := l.Skipped
		item := l.Next()
		if l.Skipped > skipped {
			fmt.Fprintf(&b, "skipped %d\n", l.Skipped-skipped)
		}
		if item.Kind == ItemNone {
			break
		}
		switch item.Kind {
		case ItemControl:
			fmt.Fprintln(&b, "control")
		case ItemHead:
			fmt.Fprintf(&b, "head %s %d\n", item.Log.Topic, item.Head)
		case ItemSlice:
			r, err := decode(item.Slice)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "records %s %v\n", item.Slice.Chunk.Log.Topic, r)
			if hold {
				l.held = item.Slice.Chunk
				s.window.Pin(l.held)
			}
		case ItemJob:
			fmt.Fprintln(&b, s.serve(l, item.Job))
		}
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

// serve advances an answer by a few records, or by one topic's head.
func (s *publishScript) serve(l *testLink, j *Job) string {
	if j.Kind == JobRecords {
		r := Range{j.Range.First, j.Range.First + min(j.Range.Len(), s.step)}
		j.Range.First = r.End
		l.Served(j, j.Range.Len() == 0)
		if r.Len() == 0 {
			return fmt.Sprintf("answer %s nothing to %s", j.Partition, j.Requester)
		}
		return fmt.Sprintf("answer %s %v to %s", j.Partition, r, j.Requester)
	}
	for _, log := range s.window.Logs() {
		if j.Partition.Topic != "" && log.Topic != j.Partition.Topic || j.Started && log.Topic <= j.After.Topic {
			continue
		}
		j.Started, j.After = true, Partition{Topic: log.Topic}
		l.Served(j, false)
		return fmt.Sprintf("list %s %d to %s", log.Topic, log.Next()-1, j.Requester)
	}
	l.Served(j, true)
	return fmt.Sprintf("list end to %s", j.Requester)
}

func (s *publishScript) state() string {
	var b strings.Builder
	for _, l := range s.window.Logs() {
		fmt.Fprintf(&b, "%s [%d,%d) acked %d, %d chunks\n", l.Topic, l.Lowest(), l.Next(), l.Acked(), len(l.chunks))
	}
	fmt.Fprintf(&b, "used %d\n", s.window.Used())
	return b.String()
}

// testLink is an outlet whose writer may be in the middle of a write.
type testLink struct {
	*Outlet
	held *Chunk
}

// appendTo appends a record as a publisher does; what it writes is where each
// record ends.
func appendTo(w *Window, l *Log, size int, now time.Time) bool {
	c := w.Reserve(l, size)
	if c == nil {
		return false
	}
	if c.Data == nil {
		c.Data = new([]int)
	}
	ends := c.Data.(*[]int)
	if c.Count == 0 {
		*ends = (*ends)[:0] // of a chunk that left
	}
	if _, first := l.Commit(c, size); first {
		w.Wrote(l, now)
	}
	*ends = append(*ends, c.Size)
	return true
}

// decode returns the sequences of a slice, which must hold whole messages.
func decode(s Slice) (Range, error) {
	ends := *s.Chunk.Data.(*[]int)
	from := 0
	if s.From > 0 {
		i, ok := slices.BinarySearch(ends, s.From)
		if !ok {
			return Range{}, fmt.Errorf("slice begins at %d, inside a message", s.From)
		}
		from = i + 1
	}
	to, ok := slices.BinarySearch(ends, s.To)
	if !ok || to < from {
		return Range{}, fmt.Errorf("slice %d–%d ends inside a message, or is empty", s.From, s.To)
	}
	return Range{s.Chunk.First + uint64(from), s.Chunk.First + uint64(to) + 1}, nil
}

func scanSeq(t *testing.T, d *datadriven.TestData, key string) (n uint64) {
	d.ScanArgs(t, key, &n)
	return n
}

func scanPartition(t *testing.T, d *datadriven.TestData) Partition {
	return parsePartition(scanString(t, d, "p"))
}

func parsePartition(s string) Partition {
	topic, producer, _ := strings.Cut(s, "/")
	return Partition{Topic: topic, Producer: producer}
}

// The bytes of a chunk that left serve the next one, but not while a link still
// writes them.
func TestBytesServeAgainUnlessPinned(t *testing.T) {
	w := NewWindow(WindowConfig{Bytes: 64 << 10})
	l, _ := w.Log("t")
	fill := func(chunks int) (fresh int, reused []any) {
		for seen := l.active(); chunks > 0; {
			c := w.Reserve(l, 1000)
			if c == nil {
				t.Fatal("no room")
			}
			if c != seen {
				chunks--
				if seen = c; c.Data == nil {
					c.Data = new(int)
					fresh++
				} else {
					reused = append(reused, c.Data)
				}
			}
			l.Commit(c, 1000)
		}
		return fresh, reused
	}
	fill(20)
	if fresh, _ := fill(20); fresh > 0 {
		t.Errorf("a full window took %d new chunks of memory", fresh)
	}
	pinned := w.order[0]
	data := pinned.Data
	w.Pin(pinned)
	if _, reused := fill(20); slices.Contains(reused, data) || pinned.Data != data {
		t.Error("bytes were used again while they were written")
	}
	w.Unpin(pinned)
	if _, reused := fill(1); len(reused) != 1 || reused[0] != data {
		t.Error("bytes were not used again after they were written")
	}
}
