package core

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPublishModel drives a window and several links with random events and
// compares what the links send with a model that knows no chunks: whole messages
// in order, with gaps only where they are counted; heads only of what was sent;
// nothing dropped that lacks its acknowledgements; memory within the bound.
func TestPublishModel(t *testing.T) {
	checkOften(t, func(t *rapid.T) {
		m := newPublishModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"":          m.check,
			"publish":   m.publish,
			"ack":       m.ack,
			"subscribe": m.subscribe,
			"cancel":    m.cancel,
			"fetch":     m.fetch,
			"send":      m.send,
			"release":   m.release,
			"tick":      m.tick,
		})
		m.finish(t)
	})
}

// checkOften checks ten times as much as rapid does by itself: a check takes a
// tenth of a millisecond.
func checkOften(t *testing.T, property func(*rapid.T)) {
	for range 10 {
		rapid.Check(t, property)
	}
}

var (
	modelTopics   = []string{"a", "ab", "b"}
	modelPrefixes = []string{"M", "Ma", "Ma\x00", "Mb\x00", "H", "Ha", "Ha\x00", "Hb\x00", "Ma\x00\x00tail"}
)

type publishModel struct {
	window *Window
	acks   int
	bytes  int64
	links  []*modelLink
	acked  map[string]map[string]uint64 // topic, store: records acknowledged
	freed  map[string]uint64            // topic: records with enough acknowledgements
	now    time.Time
}

// modelLink is what a link should have sent.
type modelLink struct {
	testLink
	subs   map[string]int
	next   map[string]uint64 // topic: the record that comes next, for topics it has live
	heads  map[string]uint64 // topic: the head named last, plus one
	lacks  map[uint64]bool   // sequences that a FETCH asked for and that were not served since
	missed uint64            // records that the link did not send
	left   bool              // a subscription ended, perhaps before a miss showed
}

func newPublishModel(t *rapid.T) *publishModel {
	m := &publishModel{
		acks:  rapid.IntRange(0, 3).Draw(t, "acks"),
		bytes: int64(rapid.IntRange(1000, 40_000).Draw(t, "bytes")),
		acked: make(map[string]map[string]uint64), freed: make(map[string]uint64), now: peersEpoch,
	}
	m.window = NewWindow(WindowConfig{
		Bytes: m.bytes, StoreAcks: m.acks,
		HeadDelay: 20 * time.Millisecond, HeadInterval: time.Second, HeadMax: 10 * time.Second,
	})
	for range rapid.IntRange(1, 3).Draw(t, "links") {
		m.links = append(m.links, &modelLink{
			testLink: testLink{Outlet: NewOutlet(DefaultOutletConfig())},
			subs:     make(map[string]int), next: make(map[string]uint64), heads: make(map[string]uint64), lacks: make(map[uint64]bool),
		})
	}
	return m
}

func (m *publishModel) log(t *rapid.T) *Log {
	l, fresh := m.window.Log(rapid.SampledFrom(modelTopics).Draw(t, "topic"))
	if fresh {
		for _, link := range m.links {
			link.Follow(l)
			link.follow(l)
		}
	}
	return l
}

func (m *publishModel) link(t *rapid.T) *modelLink { return rapid.SampledFrom(m.links).Draw(t, "link") }

func (m *publishModel) publish(t *rapid.T) {
	l := m.log(t)
	n, size := rapid.IntRange(1, 100).Draw(t, "n"), rapid.IntRange(1, 3000).Draw(t, "size")
	for range n {
		if !appendTo(m.window, l, size, m.now) {
			oldest := m.window.order[0]
			if m.acks == 0 || m.freed[oldest.Log.Topic] >= oldest.End() {
				t.Fatalf("no room although the oldest chunk %v may go", Range{oldest.First, oldest.End()})
			}
			break
		}
		for _, link := range m.links {
			_, live := link.next[l.Topic]
			if woken := link.Wake(l); live && !woken {
				t.Fatal("a live link does not wake")
			}
		}
	}
}

func (m *publishModel) ack(t *rapid.T) {
	l := m.log(t)
	store := rapid.SampledFrom([]string{"S1", "S2", "S3", "S4"}).Draw(t, "store")
	seq := rapid.Uint64Range(0, l.Next()+1).Draw(t, "seq")
	_, ok := l.Ack(store, seq)
	if ok != (seq < l.Next()) {
		t.Fatalf("ack of %d of %d: %v", seq, l.Next(), ok)
	}
	if !ok {
		return
	}
	if m.acked[l.Topic] == nil {
		m.acked[l.Topic] = make(map[string]uint64)
	}
	by := m.acked[l.Topic]
	by[store] = max(by[store], seq+1)
	if m.acks > 0 && len(by) >= m.acks {
		var ends []uint64
		for _, end := range by {
			ends = append(ends, end)
		}
		slices.Sort(ends)
		m.freed[l.Topic] = max(m.freed[l.Topic], ends[len(ends)-m.acks])
	}
}

func (m *publishModel) subscribe(t *rapid.T) {
	link, prefix := m.link(t), rapid.SampledFrom(modelPrefixes).Draw(t, "prefix")
	link.subs[prefix]++
	if fresh, ok := link.Subs.Add(prefix); !ok || fresh != (link.subs[prefix] == 1) {
		t.Fatal("subscription miscounted")
	}
	m.follow(link)
}

func (m *publishModel) cancel(t *rapid.T) {
	link, prefix := m.link(t), rapid.SampledFrom(modelPrefixes).Draw(t, "prefix")
	had := link.subs[prefix]
	link.left = true
	link.subs[prefix] = max(had-1, 0)
	if gone := link.Subs.Remove(prefix); gone != (had == 1) {
		t.Fatal("cancel miscounted")
	}
	m.follow(link)
}

func (m *publishModel) follow(link *modelLink) {
	for _, l := range m.window.Logs() {
		link.Follow(l)
		link.follow(l)
	}
}

// wants reports whether the link asked for a topic's messages of a kind.
func (l *modelLink) wants(kind, topic string) bool {
	full := kind + topic + "\x00"
	for prefix, n := range l.subs {
		short := min(len(prefix), len(full))
		if n > 0 && prefix[:short] == full[:short] {
			return true
		}
	}
	return false
}

// follow notes where the records of a log begin on this link.
func (l *modelLink) follow(log *Log) {
	if !l.wants("M", log.Topic) {
		delete(l.next, log.Topic)
	} else if _, live := l.next[log.Topic]; !live {
		l.next[log.Topic] = log.Next()
	}
	if !l.wants("H", log.Topic) {
		delete(l.heads, log.Topic)
	}
}

func (m *publishModel) fetch(t *rapid.T) {
	link := m.link(t)
	first, count := rapid.Uint64Range(0, 200).Draw(t, "first"), rapid.Uint64Range(0, 100).Draw(t, "count")
	if !link.Fetch(Partition{"a", "P"}, "C", first, count, true) {
		t.Fatal("fetch refused")
	}
	for seq := first; seq < first+count; seq++ {
		link.lacks[seq] = true
	}
}

func (m *publishModel) send(t *rapid.T) {
	link := m.link(t)
	hold := rapid.Bool().Draw(t, "hold") && link.held == nil
	for range rapid.IntRange(1, 30).Draw(t, "items") {
		item := link.Next()
		if item.Kind == ItemNone {
			break
		}
		link.sent(t, item)
		if hold && item.Kind == ItemSlice {
			link.held, hold = item.Slice.Chunk, false
			m.window.Pin(link.held)
		}
	}
}

// sent checks an item against what should have been sent.
func (l *modelLink) sent(t *rapid.T, item Item) {
	switch item.Kind {
	case ItemSlice:
		topic := item.Slice.Chunk.Log.Topic
		r, err := decode(item.Slice)
		if err != nil {
			t.Fatal(err)
		}
		next, live := l.next[topic]
		if !live || r.First < next || r.First > next && item.Slice.Chunk.Log.Lowest() <= next {
			t.Fatalf("%s: sent %v, expected %d (live %v)", topic, r, next, live)
		}
		if l.missed += r.First - next; l.missed > l.Skipped {
			t.Fatalf("%s: sent %v, expected %d, missed %d, counted %d", topic, r, next, l.missed, l.Skipped)
		}
		l.next[topic] = r.End
	case ItemHead:
		l.sentHead(t, item)
	case ItemJob:
		r := item.Job.Range
		r.End = min(r.End, r.First+10)
		for seq := r.First; seq < r.End; seq++ {
			delete(l.lacks, seq)
		}
		item.Job.Range.First = r.End
		l.Served(item.Job, item.Job.Range.Len() == 0)
	default:
		t.Fatalf("sent %+v", item)
	}
}

func (l *modelLink) sentHead(t *rapid.T, item Item) {
	topic, end := item.Log.Topic, item.Head+1
	next, live := l.next[topic]
	if !l.wants("H", topic) || end == 0 || end > item.Log.Next() {
		t.Fatalf("%s: named %d of %d", topic, item.Head, item.Log.Next())
	}
	if live && end != next && (end < next || item.Log.Lowest() < end) {
		t.Fatalf("%s: named %d, sent only up to %d of [%d,%d)", topic, item.Head, next, item.Log.Lowest(), item.Log.Next())
	}
	if end < l.heads[topic] && !live {
		t.Fatalf("%s: named %d after %d", topic, item.Head, l.heads[topic]-1)
	}
	l.heads[topic] = end
}

func (m *publishModel) release(t *rapid.T) {
	link := m.link(t)
	if link.held == nil {
		t.Skip("nothing is held")
	}
	m.window.Unpin(link.held)
	link.held = nil
}

func (m *publishModel) tick(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
	for _, l := range m.window.Tick(m.now) {
		for _, link := range m.links {
			link.Wake(l)
		}
	}
	if next := m.window.NextWake(); !next.IsZero() && !next.After(m.now) {
		t.Fatalf("wake %v ago", m.now.Sub(next))
	}
}

// check compares the window with what it should hold.
func (m *publishModel) check(t *rapid.T) {
	w := m.window
	var used, pinned int64
	for _, l := range w.Logs() {
		next := l.Lowest()
		for _, c := range l.chunks {
			if used += int64(c.Cap); c.First != next || c.Count == 0 || c.Size > c.Cap {
				t.Fatalf("%s: chunk %+v, expected %d", l.Topic, c, next)
			}
			next = c.End()
		}
		want := m.freed[l.Topic]
		if m.acks == 0 {
			want = l.Next()
		}
		if next != l.Next() || l.Acked() != want || l.Lowest() > want {
			t.Fatalf("%s: [%d,%d) %d, acked %d of %d", l.Topic, l.Lowest(), l.Next(), next, l.Acked(), want)
		}
	}
	held := make(map[*Chunk]bool)
	for _, link := range m.links {
		if c := link.held; c != nil && c.dropped && !held[c] {
			held[c] = true
			pinned += int64(c.Cap)
		}
	}
	if w.Used() != used+pinned || w.used != used {
		t.Fatalf("used %d and %d, counted %d and %d", w.used, w.pinned, used, pinned)
	}
	if used > m.bytes && len(w.order) > 1 {
		t.Fatalf("%d bytes of %d", used, m.bytes)
	}
}

// finish announces everything and drains the links.
func (m *publishModel) finish(t *rapid.T) {
	m.window.Announce(m.now)
	for _, link := range m.links {
		for _, l := range m.window.Logs() {
			link.Wake(l)
		}
		for steps := 0; ; steps++ {
			item := link.Next()
			if item.Kind == ItemNone {
				break
			}
			if link.sent(t, item); steps > 10_000 {
				t.Fatal("a link does not run dry")
			}
		}
		if link.Pending() || len(link.lacks) > 0 || link.running > 0 {
			t.Fatalf("pending %v, not served %v", link.Pending(), link.lacks)
		}
		for _, l := range m.window.Logs() {
			if err := link.atEnd(l); err != nil {
				t.Fatal(err)
			}
		}
		if link.missed > link.Skipped || !link.left && link.missed != link.Skipped {
			t.Fatalf("missed %d, counted %d", link.missed, link.Skipped)
		}
	}
}

func (l *modelLink) atEnd(log *Log) error {
	next, live := l.next[log.Topic]
	if live && next != log.Next() && log.Lowest() < log.Next() {
		return fmt.Errorf("%s: sent up to %d of %d", log.Topic, next, log.Next())
	}
	if live {
		l.missed += log.Next() - next
	}
	if l.wants("H", log.Topic) && l.heads[log.Topic] != log.Next() {
		return fmt.Errorf("%s: named up to %d of %d", log.Topic, l.heads[log.Topic], log.Next())
	}
	return nil
}
