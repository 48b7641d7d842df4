package meshtest

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/producer"
)

// Publish publishes the values on a topic, all by one producer of the mesh's own,
// and returns when a store has them on disk; in a mesh without stores, at once.
func (m *Mesh) Publish(topic string, values ...string) {
	m.t.Helper()
	records := make([]beck.Record, len(values))
	for i, v := range values {
		records[i] = beck.Record{Topic: topic, Value: []byte(v)}
	}
	m.PublishRecords(records...)
}

// PublishRecords is Publish for records that have more than a value.
func (m *Mesh) PublishRecords(records ...beck.Record) {
	m.t.Helper()
	p, ctx := m.publisher(), m.Context()
	err := p.PublishBatch(ctx, records)
	if err == nil && m.set.stores > 0 {
		err = p.Flush(ctx)
	}
	if err != nil {
		m.t.Fatalf("meshtest: publish %d records: %v", len(records), err)
	}
}

// publisher returns the producer of Publish.
func (m *Mesh) publisher() *producer.Producer {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writer == nil {
		m.writer = m.Producer()
	}
	return m.writer
}

// Expect waits until the topic, read from its beginning, has as many values as
// are wanted, and fails the test unless they are those: in that order if one
// producer wrote them, in any order if several did. Records behind them are not
// looked at.
func (m *Mesh) Expect(topic string, want ...string) {
	m.t.Helper()
	c := m.Consumer(topic)
	defer c.Close()
	records, err := take(m.Context(), c, len(want))
	if err != nil {
		m.t.Errorf("topic %q has %d of %d records: %v\n got %q\nwant %q", topic, len(records), len(want), err, values(records), want)
		return
	}
	got, want := values(records), slices.Clone(want) // sorting is not to be seen by the caller
	if severalPartitions(records) {
		slices.Sort(got)
		slices.Sort(want)
	}
	if !slices.Equal(got, want) {
		m.t.Errorf("topic %q:\n got %q\nwant %q", topic, got, want)
	}
}

// Take returns the next n records of a consumer. It fails the test if they do not
// come in time.
func (m *Mesh) Take(c *consumer.Consumer, n int) []beck.Record {
	m.t.Helper()
	records, err := take(m.Context(), c, n)
	if err != nil {
		m.t.Fatalf("meshtest: after %d of %d records: %v", len(records), n, err)
	}
	return records
}

// Records returns all records that the mesh has of a topic now, those of each
// partition in their order. Nobody vouches for "all" before the tower has run
// for two seconds, time for every node to say that it is there; Expect does not
// wait for that.
func (m *Mesh) Records(topic string) []beck.Record {
	m.t.Helper()
	c := m.ConsumerWith(func(c *consumer.Config) { c.StopAtEnd = true }, topic)
	defer c.Close()
	const all = 1 << 30
	records, err := take(m.Context(), c, all)
	if !errors.Is(err, io.EOF) {
		m.t.Fatalf("meshtest: read topic %q: after %d records: %v", topic, len(records), err)
	}
	return records
}

// Values returns the values of Records.
func (m *Mesh) Values(topic string) []string {
	m.t.Helper()
	return values(m.Records(topic))
}

// take polls until it has n records, or cannot.
func take(ctx context.Context, c *consumer.Consumer, n int) ([]beck.Record, error) {
	var records []beck.Record
	for len(records) < n {
		some, err := c.Poll(ctx, min(n-len(records), 1000))
		records = append(records, some...)
		if err != nil {
			return records, err
		}
	}
	return records, nil
}

func values(records []beck.Record) []string {
	list := make([]string, len(records))
	for i, r := range records {
		list[i] = string(r.Value)
	}
	return list
}

func severalPartitions(records []beck.Record) bool {
	return slices.ContainsFunc(records, func(r beck.Record) bool { return r.Partition != records[0].Partition })
}
