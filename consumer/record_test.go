package consumer_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
)

// variety returns records of every kind that a producer takes.
func variety(topic string) []beck.Record {
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	text := bytes.Repeat([]byte("to be or not to be, "), 100)
	headers := []beck.Header{
		{Name: "a", Value: []byte("1")}, {Name: "b", Value: []byte{}}, {Name: "a", Value: []byte("2")},
		{Name: "", Value: binary}, {Name: "größe \x00\xff", Value: text},
	}
	at := time.Date(2001, 2, 3, 4, 5, 6, 789e6, time.UTC)
	records := []beck.Record{
		{Value: []byte("plain")}, {Value: nil}, {Key: []byte("key"), Value: []byte("v")},
		{Key: []byte{}, Value: []byte("empty key")}, {Key: binary, Value: binary}, {Key: bytes.Repeat([]byte{7}, protocol.MaxKey)},
		{Value: text}, {Key: []byte("k"), Value: text, Headers: headers}, {Headers: headers[:1]},
		{Headers: slices.Repeat(headers[1:2], protocol.MaxHeaders)},
		{Headers: []beck.Header{{Name: "large", Value: bytes.Repeat([]byte{9}, protocol.MaxHeaderBytes-5)}}},
		{Value: []byte("at a time"), Time: at}, {Value: text, Time: time.UnixMilli(0).UTC()}, {Key: []byte("k"), Value: make([]byte, 300_000), Time: at},
		{Value: append(protocol.AppendMark(nil, protocol.Zstd), "like a compressed one"...)},
		{Value: append(protocol.AppendMark(nil, protocol.Plain), text...)},
		{Value: protocol.AppendMark(nil, 77)},
	}
	for i := range records {
		records[i].Topic = topic
	}
	return records
}

// want returns how records arrive that were published between two times.
func want(records []beck.Record, partition string, from beck.Source) []beck.Record {
	records = slices.Clone(records)
	for i := range records {
		r := &records[i]
		r.Partition, r.Offset, r.Source = partition, uint64(i), from
		if r.Value == nil {
			r.Value = []byte{}
		}
	}
	return records
}

// compare fails the test unless got is want, where a time that want does not tell
// is after since, or with without a time zero.
func compare(t *testing.T, got, want []beck.Record, since time.Time, timed bool) {
	t.Helper()
	got = slices.Clone(got)
	for i := range got[:min(len(got), len(want))] {
		if r := &got[i]; want[i].Time.IsZero() {
			if r.Time.IsZero() == timed || timed && (r.Time.Before(since.Truncate(time.Millisecond)) || r.Time.After(time.Now()) || r.Time.Location() != time.UTC) {
				t.Errorf("record %d has the time %v", i, r.Time)
			}
			r.Time = time.Time{}
		}
	}
	same := cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) })
	if d := cmp.Diff(want, got, same); d != "" {
		t.Errorf("records (-want +got):\n%.5000s", d)
	}
}

// Records arrive as they were published, in every way that they can come, from
// producers that encode them in every way.
func TestRecordsArriveWhole(t *testing.T) {
	t.Parallel()
	began := time.Now()
	encodings := map[string]func(*producer.Config){
		"default": func(*producer.Config) {},
		"bare":    func(c *producer.Config) { c.Timestamps, c.Checksums = false, false },
		"zstd":    func(c *producer.Config) { c.Compression = producer.Zstd },
		"s2":      func(c *producer.Config) { c.Compression, c.Checksums = producer.S2, false },
		"journal": func(c *producer.Config) { c.Journal = filepath.Join(t.TempDir(), "journal") },
	}
	m := testmesh.New(t)
	live := make(map[string]*consumer.Consumer)
	for name := range encodings {
		live[name] = m.Consumer(nil, name)
	}
	dir := t.TempDir()
	first, ctx := m.Store(dir), testmesh.Context(t)
	partitions, n := make(map[string]string), 0
	var closing sync.WaitGroup
	for name, edit := range encodings {
		p := m.Producer(edit)
		partitions[name] = p.Address()
		records := variety(name)
		n += len(records)
		if err := p.PublishBatch(ctx, records[:5]); err != nil {
			t.Fatal(err)
		}
		for _, r := range records[5:] {
			if err := p.Publish(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		got := testmesh.Take(t, live[name], len(records))
		for i := range got { // some may have been fetched from the store
			if got[i].Source != beck.FromProducer && got[i].Source != beck.FromStore {
				t.Errorf("%s %d is from %q", name, i, got[i].Source)
			}
			got[i].Source = beck.FromProducer
		}
		compare(t, got, want(records, p.Address(), beck.FromProducer), began, name != "bare")
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		closing.Go(func() { p.Close() })
		if d := live[name].Stats().Damaged; d > 0 {
			t.Errorf("%s: %d records are damaged", name, d)
		}
	}
	closing.Wait()
	replay := func(how string) {
		byTopic := make(map[string][]beck.Record)
		for _, r := range testmesh.Take(t, m.Consumer(nil, slices.Collect(maps.Keys(encodings))...), n) {
			byTopic[r.Topic] = append(byTopic[r.Topic], r)
		}
		for name, got := range byTopic {
			if compare(t, got, want(variety(name), partitions[name], beck.FromStore), began, name != "bare"); t.Failed() {
				t.Fatalf("of %q, %s", name, how)
			}
		}
	}
	replay("replayed by a store")
	second := m.Store("")
	testmesh.Until(t, "the second store to have everything", func() bool { return second.Stats().Records == uint64(n) })
	first.Close()
	replay("replayed by a store that had it from another")
}

// A C store drops trailers. Records arrive without what was in them, and with
// their values, compressed or not.
func TestRecordsThroughForeignStore(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	s := foreign.NewStore(t)
	s.Join(m.Tower.Sub(), m.Tower.Pub())
	ctx := testmesh.Context(t)
	records, n := variety("t"), 0
	for _, as := range []producer.Compression{producer.None, producer.Zstd, producer.S2} {
		n += len(records)
		p := m.Producer(func(c *producer.Config) { c.Compression = as })
		// A C store never repeats an acknowledgement that nobody heard.
		s.Writer.AwaitSubscription(string(rune(protocol.KindAck)) + p.Address())
		if err := p.PublishBatch(ctx, records); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		p.Close()
		var got []beck.Record
		for _, r := range testmesh.Take(t, m.Consumer(nil, "t"), n) {
			if r.Partition == p.Address() {
				got = append(got, r)
			}
		}
		bare := want(records, p.Address(), beck.FromStore)
		for i := range bare {
			bare[i].Key, bare[i].Headers, bare[i].Time = nil, nil, time.Time{}
		}
		compare(t, got, bare, time.Time{}, false)
	}
}

// onDisk is a record as a store has it.
type onDisk struct {
	content []byte
	trailer protocol.RecordTrailer
	raw     []byte // in place of the trailer
}

// prepared returns a store's directory that has records of a partition.
func prepared(t *testing.T, p blocklog.Partition, records ...onDisk) string {
	t.Helper()
	dir := t.TempDir()
	l, err := blocklog.Open(dir, blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, batch := l.NewBuilder(), l.NewBatch()
	for seq, r := range records {
		trailer := r.trailer.Append(nil)
		if r.raw != nil {
			trailer = r.raw
		}
		if err := b.Append(uint64(seq), r.content, trailer); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{batch.Add(p, b), batch.Commit(), l.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checked returns a record with its checksum, or with another one.
func checked(content string, right bool) onDisk {
	t := protocol.RecordTrailer{HasTime: true, Time: 1_700_000_000_000, HasCRC: true}
	if t.CRC = t.Sum([]byte(content)); !right {
		t.CRC++
	}
	return onDisk{content: []byte(content), trailer: t}
}

func partition(topic string) blocklog.Partition {
	return blocklog.Partition{Topic: topic, Producer: protocol.NewAddress()}
}

// A record with a checksum not its own is taken from who has it right, in the place
// where it belongs.
func TestDamagedIsFetchedElsewhere(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	q := partition("t")
	var good, bad []onDisk
	for i := range 1000 {
		good = append(good, checked(fmt.Sprintf("v%d", i), true))
		bad = append(bad, checked(fmt.Sprintf("v%d", i), i%100 != 42))
	}
	m.Store(prepared(t, q, bad...))
	gaps := make(chan consumer.Gap, 1000)
	c := m.Consumer(func(c *consumer.Config) { c.OnGap = func(g consumer.Gap) { gaps <- g } }, "t")
	testmesh.InOrder(t, testmesh.Take(t, c, 42), 0, "v")
	if g, want := <-gaps, (consumer.Gap{Kind: consumer.Damaged, Topic: "t", Partition: q.Producer, First: 42, Last: 42}); g != want {
		t.Errorf("told of %v, want %v", g, want)
	}
	m.Store(prepared(t, q, good...))
	testmesh.InOrder(t, testmesh.Take(t, c, 958), 42, "v")
	if s := c.Stats(); s.Damaged == 0 || s.Delivered != 1000 {
		t.Errorf("%+v", s)
	}
}

// A record that is nowhere right stalls its partition, and no other, until it is
// skipped by option.
func TestDamagedEverywhere(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	q := partition("t")
	m.Store(prepared(t, q, checked("v0", true), checked("v1", false), checked("v2", true)))
	m.Store(prepared(t, partition("t"), checked("v0", true), checked("v1", true), checked("v2", true)))
	var kinds []consumer.GapKind
	skipped := make(chan consumer.Gap, 1)
	c := m.Consumer(func(c *consumer.Config) {
		c.SkipMissingAfter = 4 * time.Second
		c.OnGap = func(g consumer.Gap) {
			if kinds = append(kinds, g.Kind); g.Kind == consumer.Skipped {
				skipped <- g
			}
		}
	}, "t")
	testmesh.Until(t, "the stall to be told of", func() bool {
		topics, all, _ := c.TopicStats(1)
		return all.Stalled == 1 && all.Missing == 1 && topics[0].Stalled == 1 && topics[0].Missing == 1
	})
	offsets := make(map[string][]uint64)
	for _, r := range testmesh.Take(t, c, 5) {
		offsets[r.Partition] = append(offsets[r.Partition], r.Offset)
	}
	if got := offsets[q.Producer]; !slices.Equal(got, []uint64{0, 2}) {
		t.Errorf("delivered %v", got)
	}
	if g := <-skipped; g.First != 1 || g.Last != 1 || g.Partition != q.Producer {
		t.Errorf("told of %v", g)
	}
	if st := c.Stats(); st.Skipped != 1 || st.Expired != 0 || st.Refusals+st.Timeouts == 0 {
		t.Errorf("%d records count as skipped, %d as expired, %d requests as refused", st.Skipped, st.Expired, st.Refusals)
	}
	if want := []consumer.GapKind{consumer.Damaged, consumer.Stalled, consumer.Skipped}; !slices.Equal(kinds, want) {
		t.Errorf("told of %v, want %v", kinds, want)
	}
}

// A live record that is damaged on its way is taken from a store.
func TestDamagedLive(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	f := foreign.New(t)
	c := m.Consumer(nil, "t")
	f.Join(m.Tower.Sub(), m.Tower.Pub())
	f.AwaitSubscription(protocol.Subscription(protocol.KindRecord, "t"))
	q := blocklog.Partition{Topic: "t", Producer: f.UUID}
	var all []onDisk
	for seq := range uint64(3) {
		value := fmt.Sprintf("v%d", seq)
		all = append(all, checked(value, true))
		trailer := checked(value, seq != 1).trailer
		f.Publish(trailer.Append(protocol.AppendRecord(nil, "t", f.UUID, seq)), []byte(value))
	}
	testmesh.InOrder(t, testmesh.Take(t, c, 1), 0, "v")
	m.Store(prepared(t, q, all...))
	got := testmesh.Take(t, c, 2)
	testmesh.InOrder(t, got, 1, "v")
	if got[0].Source != beck.FromStore || got[1].Source != beck.FromProducer {
		t.Errorf("from %q and %q", got[0].Source, got[1].Source)
	}
}

// unreadables returns three records that are whole, behind each one whose value
// cannot be read for another reason, and last one whose trailer cannot be.
func unreadables() []onDisk {
	mark := func(as protocol.Compression, body string) onDisk {
		return onDisk{content: append(protocol.AppendMark(nil, as), body...)}
	}
	named := checked("not compressed", true)
	named.trailer.Compression = protocol.Zstd
	return []onDisk{
		{content: []byte("v0")}, mark(9, "unknown"),
		{content: []byte("v2")}, mark(protocol.S2, "broken"),
		{content: []byte("v4")}, named,
		{content: []byte("v6"), raw: []byte("junk")},
	}
}

// A value that cannot be read is an error of its own, and what is behind it comes.
func TestUnreadableValues(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store(prepared(t, partition("t"), unreadables()...))
	ways := map[string]func(c *consumer.Consumer) (values []string, failed []uint64){
		"Poll": func(c *consumer.Consumer) (values []string, failed []uint64) {
			for len(values)+len(failed) < 7 {
				records, err := c.Poll(testmesh.Context(t), 100)
				for _, r := range records {
					values = append(values, string(r.Value))
				}
				if err != nil {
					if !errors.Is(err, beck.ErrValue) || len(records) > 0 {
						t.Fatalf("%d records and %v", len(records), err)
					}
					failed = append(failed, uint64(len(values)+len(failed)))
				}
			}
			return values, failed
		},
		"Records": func(c *consumer.Consumer) (values []string, failed []uint64) {
			for r, err := range c.Records(testmesh.Context(t)) {
				switch {
				case errors.Is(err, beck.ErrValue) && r.Topic == "t" && r.Value == nil && r.Source == beck.FromStore:
					failed = append(failed, r.Offset)
				case err != nil:
					t.Fatal(err)
				default:
					values = append(values, string(r.Value))
				}
				if len(values)+len(failed) == 7 {
					break
				}
			}
			return values, failed
		},
		"Records, in pieces": func(c *consumer.Consumer) (values []string, failed []uint64) {
			for len(values)+len(failed) < 7 {
				for r, err := range c.Records(testmesh.Context(t)) {
					if errors.Is(err, beck.ErrValue) {
						failed = append(failed, r.Offset)
					} else {
						values = append(values, string(r.Value))
					}
					break
				}
			}
			return values, failed
		},
	}
	for name, way := range ways {
		c := m.Consumer(nil, "t")
		values, failed := way(c)
		if !slices.Equal(values, []string{"v0", "v2", "v4", "v6"}) || !slices.Equal(failed, []uint64{1, 3, 5}) {
			t.Errorf("%s: read %q, failed %v", name, values, failed)
		}
		if s := c.Stats(); s.Unreadable != 3 || s.Trailers != 1 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// However much a little content becomes, one call does not take more memory for it
// than the queue may, and one record.
func TestBombs(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	const most = 1 << 20
	bomb := onDisk{content: z.EncodeAll(make([]byte, most), protocol.AppendMark(nil, protocol.Zstd))}
	larger := onDisk{content: z.EncodeAll(make([]byte, most+1), protocol.AppendMark(nil, protocol.Zstd))}
	m.Store(prepared(t, partition("t"), append(slices.Repeat([]onDisk{bomb}, 20), larger)...))
	c := m.Consumer(func(c *consumer.Config) { c.QueueBytes, c.MessageBytes = 3*most, most }, "t")
	for n := 0; n < 20; {
		records, err := c.Poll(testmesh.Context(t), 100)
		if err != nil {
			t.Fatal(err)
		}
		if n += len(records); len(records) > 3 {
			t.Fatalf("one call gave %d records of %d bytes", len(records), len(records[0].Value))
		}
	}
	if _, err := c.Poll(testmesh.Context(t), 1); !errors.Is(err, beck.ErrValue) {
		t.Errorf("a value above MessageBytes: %v", err)
	}
}
