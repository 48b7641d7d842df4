package consumer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

// publishTo publishes n records to each of topics.
func publishTo(t *testing.T, p *producer.Producer, n int, topics ...string) {
	t.Helper()
	ctx := testmesh.Context(t)
	for _, topic := range topics {
		if err := p.PublishBatch(ctx, testmesh.Records(topic, "v", n)); err != nil {
			t.Fatal(err)
		}
	}
}

func flush(t *testing.T, p *producer.Producer) {
	t.Helper()
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
}

// topicsOf returns the topics of records, each once, sorted.
func topicsOf(records []beck.Record) string {
	var topics []string
	for _, r := range records {
		topics = append(topics, r.Topic)
	}
	slices.Sort(topics)
	return strings.Join(slices.Compact(topics), " ")
}

// Patterns that overlap deliver each record once, of the topics that they match
// and no other, stored and live, known at the start and new.
func TestPatterns(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	const n = 300
	others := []string{"sensors", "sensorsx.a", "other.a", "sensors.a.b.c", "x"}
	publishTo(t, p, n, append(others, "sensors.a", "sensors.b", "sensors.a.b", "a*c")...)
	flush(t, p)
	c := m.Consumer(nil, "sensors.*", "sensors.a", "sensors.*.b", `a\*c`)
	got := testmesh.Take(t, c, 4*n)
	testmesh.InOrder(t, got, 0, "v")
	if topics := topicsOf(got); topics != "a*c sensors.a sensors.a.b sensors.b" {
		t.Fatalf("topics %s", topics)
	}
	publishTo(t, p, n, append(others, "sensors.new", "sensors.x.b")...)
	got = testmesh.Take(t, c, 2*n)
	testmesh.InOrder(t, got, 0, "v")
	if topics := topicsOf(got); topics != "sensors.new sensors.x.b" {
		t.Fatalf("then topics %s", topics)
	}
	if got, want := c.Topics(), []string{`a\*c`, "sensors.*", "sensors.*.b", "sensors.a"}; !slices.Equal(got, want) {
		t.Errorf("subscribed to %q, want %q", got, want)
	}
	// Another one takes what was there all the time.
	if err := c.Subscribe("other.>"); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Take(t, c, 2*n)[:n], 0, "v")
	if err := c.Unsubscribe("other.>", "sensors.*"); err != nil {
		t.Fatal(err)
	}
	publishTo(t, p, 1, "sensors.b", "sensors.a")
	if r := testmesh.Take(t, c, 1)[0]; r.Topic != "sensors.a" || r.Offset != n {
		t.Errorf("after the pattern ended got %v, want sensors.a@%d: another subscription takes it", r.Place(), n)
	}
}

// A consumer of what is new gets all of a topic that is new, though the producer
// has been known for long.
func TestPatternLatest(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	publishTo(t, p, 10, "a.old")
	flush(t, p)
	c := m.Consumer(latest, ">")
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	publishTo(t, p, 10, "a.new")
	publishTo(t, p, 11, "a.old")
	for _, r := range testmesh.Take(t, c, 21) {
		if r.Topic == "a.old" && r.Offset < 10 {
			t.Fatalf("got %v, which is old", r.Place())
		}
	}
}

// A consumer with far less room than there is gets all of a pattern's topics.
func TestPatternBehind(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	topics := []string{"a.b", "a.c", "a.d"}
	const n = 10_000
	publishTo(t, p, n, topics...)
	c := m.Consumer(func(c *consumer.Config) { c.QueueBytes = 64 << 10 }, "a.>")
	got := testmesh.Take(t, c, len(topics)*n)
	testmesh.InOrder(t, got, 0, "v")
	publishTo(t, p, 10, topics...)
	testmesh.Take(t, c, 10*len(topics))
}

func TestPatternsThatAreRefused(t *testing.T) {
	m := testmesh.New(t)
	c := m.Consumer(nil)
	for pattern, want := range map[string]error{
		"a.>.b": beck.ErrPattern, "a*": beck.ErrPattern, "": beck.ErrTopic, "a\x00": beck.ErrTopic,
	} {
		if err := c.Subscribe("fine", pattern); !errors.Is(err, want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", pattern)) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	if topics := c.Topics(); len(topics) != 0 {
		t.Errorf("subscribed to %q though another was refused", topics)
	}
}

func TestLiteral(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	const odd = `a.*.>.\`
	publishTo(t, p, 5, "a.b.c.d", odd)
	c := m.Consumer(nil, consumer.Literal(odd))
	for _, r := range testmesh.Take(t, c, 5) {
		if r.Topic != odd {
			t.Fatalf("got a record of %q", r.Topic)
		}
	}
}
