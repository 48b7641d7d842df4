package producer_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func small(c *producer.Config) { c.WindowBytes, c.MessageBytes = 64<<10, 16<<10 }

func TestPublishRefuses(t *testing.T) {
	p := testmesh.New(t).Producer(small)
	ctx := testmesh.Context(t)
	for _, tt := range []struct {
		name   string
		record beck.Record
		want   error
	}{
		{"no topic", beck.Record{}, beck.ErrTopic},
		{"topic with NUL", beck.Record{Topic: "a\x00b"}, beck.ErrTopic},
		{"topic of 256 bytes", beck.Record{Topic: strings.Repeat("x", 256)}, beck.ErrTopic},
		{"value of the message cap", beck.Record{Topic: "t", Value: make([]byte, 16<<10)}, beck.ErrTooLarge},
	} {
		if err := p.Publish(ctx, tt.record); !errors.Is(err, tt.want) {
			t.Errorf("%s: Publish returned %v, want %v", tt.name, err, tt.want)
		}
	}
	if n := p.Stats().Published; n != 0 {
		t.Errorf("%d refused records took an offset", n)
	}
}

func TestPublishBlocksWhileUnstored(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(small)
	fill := beck.Record{Topic: "t", Value: make([]byte, 1<<10)}
	n := 0
	for ; p.TryPublish(fill) == nil; n++ {
		if n > 64 {
			t.Fatal("the window of 64 KiB never filled")
		}
	}
	if err := p.TryPublish(fill); !errors.Is(err, beck.ErrFull) {
		t.Fatalf("TryPublish returned %v, want ErrFull", err)
	}
	short, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := p.Publish(short, fill); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Publish returned %v, want the context's error", err)
	}
	if got := p.Stats().Published; got != uint64(n) {
		t.Fatalf("%d records have an offset, %d were accepted", got, n)
	}
	m.Store("")
	ctx := testmesh.Context(t)
	if err := p.Publish(ctx, fill); err != nil {
		t.Fatalf("with a store: %v", err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Unstored != 0 || s.Stored != uint64(n)+1 {
		t.Fatalf("after Flush: %+v", s)
	}
}

func TestWithoutAcksTheOldestGoes(t *testing.T) {
	p := testmesh.New(t).Producer(func(c *producer.Config) { small(c); c.MinStoreAcks = 0 })
	for range 1000 {
		if err := p.TryPublish(beck.Record{Topic: "t", Value: make([]byte, 1<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	if used := p.Stats().WindowBytes; used > 64<<10 {
		t.Fatalf("the window takes %d bytes of 64 KiB", used)
	}
}

func TestCallbacksComeInOrderAndOnce(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	ctx := testmesh.Context(t)
	const n = 500
	offsets := make(chan uint64, n)
	for _, r := range testmesh.Records("t", "v", n) {
		p.PublishFunc(ctx, r, func(o beck.Offset, err error) {
			if err != nil || o.Topic != "t" || o.Partition != p.Address() {
				t.Errorf("callback got %v, %v", o, err)
			}
			offsets <- o.Offset
		})
	}
	for i := range uint64(n) {
		select {
		case o := <-offsets:
			if o != i {
				t.Fatalf("callback %d is for offset %d", i, o)
			}
		case <-ctx.Done():
			t.Fatalf("%d of %d callbacks came", i, n)
		}
	}
	o, err := p.PublishSync(ctx, beck.Record{Topic: "t"})
	if err != nil || o.Offset != n {
		t.Fatalf("PublishSync returned %v, %v; want offset %d", o, err, n)
	}
}

func TestCloseEndsWaits(t *testing.T) {
	p := testmesh.New(t).Producer(func(c *producer.Config) { c.Linger = 10 * time.Millisecond })
	ctx := testmesh.Context(t)
	called := make(chan error, 1)
	p.PublishFunc(ctx, beck.Record{Topic: "t"}, func(_ beck.Offset, err error) { called <- err })
	flushed := make(chan error, 1)
	go func() { flushed <- p.Flush(ctx) }()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]chan error{"callback": called, "Flush": flushed} {
		if err := <-c; !errors.Is(err, beck.ErrClosed) {
			t.Errorf("%s got %v, want ErrClosed", name, err)
		}
	}
	if err := p.Publish(ctx, beck.Record{Topic: "t"}); !errors.Is(err, beck.ErrClosed) {
		t.Errorf("Publish after Close returned %v, want ErrClosed", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestTwoStoresMustHaveIt(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 2 })
	ctx := testmesh.Context(t)
	one := m.Store("")
	if err := p.Publish(ctx, beck.Record{Topic: "t"}); err != nil {
		t.Fatal(err)
	}
	testmesh.Until(t, "the first store to have the record", func() bool { return one.Stats().Records == 1 })
	if s := p.Stats(); s.Stored != 0 {
		t.Fatalf("one store's acknowledgement counts as stored: %+v", s)
	}
	testmesh.Until(t, "its acknowledgement", func() bool { return p.Stats().Stores == 1 })
	m.Store("")
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if n := p.Stats().Stores; n != 2 {
		t.Errorf("%d stores have acknowledged, want 2", n)
	}
}

func TestConfigBounds(t *testing.T) {
	for name, edit := range map[string]func(*producer.Config){
		"acks":   func(c *producer.Config) { c.MinStoreAcks = -1 },
		"window": func(c *producer.Config) { c.WindowBytes = 1 },
		"linger": func(c *producer.Config) { c.Linger = -1 },
		"listen": func(c *producer.Config) { c.Listen = "nonsense" },
		"towers": func(c *producer.Config) { c.Pub = append(c.Pub, c.Pub...) },
	} {
		c := producer.DefaultConfig()
		edit(&c)
		if p, err := producer.Start(c); !errors.Is(err, beck.ErrConfig) {
			t.Errorf("%s: Start returned %v, want ErrConfig", name, err)
			if p != nil {
				p.Close()
			}
		}
	}
}

// What is beyond its bounds is refused by name, takes no offset, and leaves the
// producer as it was.
func TestPublishRefusesExtras(t *testing.T) {
	p := testmesh.New(t).Producer(func(c *producer.Config) { c.MinStoreAcks = 0 })
	ctx := testmesh.Context(t)
	long := func(n int) []byte { return make([]byte, n) }
	header := beck.Header{Name: "n", Value: []byte("v")}
	for _, tt := range []struct {
		name   string
		record beck.Record
		want   error
	}{
		{"key of 64 KiB", beck.Record{Key: long(64 << 10)}, nil},
		{"longer key", beck.Record{Key: long(64<<10 + 1)}, beck.ErrTooLarge},
		{"256 headers", beck.Record{Headers: slices.Repeat([]beck.Header{header}, 256)}, nil},
		{"more headers", beck.Record{Headers: slices.Repeat([]beck.Header{header}, 257)}, beck.ErrTooLarge},
		{"headers of 64 KiB", beck.Record{Headers: []beck.Header{{Name: "n", Value: long(64<<10 - 1)}}}, nil},
		{"longer headers", beck.Record{Headers: []beck.Header{header, {Name: "n", Value: long(64<<10 - 2)}}}, beck.ErrTooLarge},
		{"1970", beck.Record{Time: time.UnixMilli(0)}, nil},
		{"before 1970", beck.Record{Time: time.UnixMilli(-1)}, beck.ErrTime},
		{"9999", beck.Record{Time: time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)}, nil},
		{"after 9999", beck.Record{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, beck.ErrTime},
		{"long after 9999", beck.Record{Time: time.Unix(1<<62, 0)}, beck.ErrTime},
		{"too large with its key", beck.Record{Key: long(1 << 10), Value: long(16<<20 - 1000)}, beck.ErrTooLarge},
	} {
		next := p.NextOffset("t")
		tt.record.Topic = "t"
		err := p.Publish(ctx, tt.record)
		if !errors.Is(err, tt.want) || (err == nil) != (p.NextOffset("t") == next+1) {
			t.Errorf("%s: Publish returned %v, want %v; the next offset was %d and is %d", tt.name, err, tt.want, next, p.NextOffset("t"))
		}
	}
}

func TestCompression(t *testing.T) {
	for _, c := range []producer.Compression{producer.None, producer.Zstd, producer.S2} {
		text, err := c.MarshalText()
		var got producer.Compression
		if err := got.UnmarshalText(text); err != nil || got != c {
			t.Errorf("%q became %v, %v", text, got, err)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := producer.ParseCompression("gzip"); !errors.Is(err, beck.ErrConfig) || !strings.Contains(err.Error(), `"gzip" is none of none, zstd, s2`) {
		t.Errorf("gzip: %v", err)
	}
	c := producer.DefaultConfig()
	c.Compression = 3
	if _, err := producer.Start(c); !errors.Is(err, beck.ErrConfig) {
		t.Errorf("compression 3: %v", err)
	}
}

// Publishing takes no memory for each record, whatever the record has.
func TestPublishAllocatesNothing(t *testing.T) {
	value := bytes.Repeat([]byte("value "), 30)
	keyed := beck.Record{Topic: "t", Key: []byte("k"), Value: value, Headers: []beck.Header{{Name: "n", Value: value}}}
	for _, as := range []producer.Compression{producer.None, producer.S2, producer.Zstd} {
		p := testmesh.New(t).Producer(func(c *producer.Config) { small(c); c.MinStoreAcks, c.Compression = 0, as })
		for name, r := range map[string]beck.Record{"plain": {Topic: "t", Value: value}, "keyed": keyed} {
			records := slices.Repeat([]beck.Record{r}, 100)
			publish := func() {
				if err := p.PublishBatch(t.Context(), records); err != nil {
					t.Fatal(err)
				}
			}
			publish()
			if n := testing.AllocsPerRun(100, publish); n > 60 { // each chunk has a few words besides its bytes, and under the race detector a pool forgets
				t.Errorf("%v, %s: %.0f allocations for 100 records", as, name, n)
			}
		}
	}
}
