package httpd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

// shown is a record as the API shows it.
type shown struct {
	Partition string
	Offset    uint64
	Time      time.Time
	Key       *shownBytes
	Value     shownBytes
	Headers   [][2]shownBytes
	Size      int
	Source    string
}

type shownBytes struct {
	Text   *string
	Base64 []byte
	Cut    bool
	Size   int
}

func (b shownBytes) String() string {
	if b.Text != nil {
		return *b.Text
	}
	return fmt.Sprintf("%x", b.Base64)
}

type shownPage struct {
	Complete, Older, Newer bool
	Records                []shown
	Gaps                   []struct {
		Partition, Kind string
		First, Last     uint64
	}
	Partitions []struct {
		Partition              string
		Tail, Head, From, Next uint64
	}
	LeftOut       int `json:"left_out"`
	Scanned       uint64
	Before, After string
}

// values are those of a page's records.
func (p shownPage) values() string {
	var all []string
	for _, r := range p.Records {
		all = append(all, r.Value.String())
	}
	return strings.Join(all, " ")
}

// publish publishes records and waits until a store has them.
func publish(t *testing.T, p *producer.Producer, records ...beck.Record) {
	t.Helper()
	if err := p.PublishBatch(testmesh.Context(t), records); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
}

func TestRecordPages(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	publish(t, p, testmesh.Records("hello", "r", 25)...)
	url := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/hello"

	newest := get[shownPage](t, url+"?limit=10")
	if newest.values() != "r15 r16 r17 r18 r19 r20 r21 r22 r23 r24" || !newest.Complete || !newest.Older || newest.Newer {
		t.Fatalf("newest: %+v", newest)
	}
	before := get[shownPage](t, url+"?limit=10&before="+newest.Before)
	if before.values() != "r5 r6 r7 r8 r9 r10 r11 r12 r13 r14" || !before.Older || !before.Newer {
		t.Errorf("before: %+v", before)
	}
	oldest := get[shownPage](t, url+"?limit=10&before="+before.Before)
	if oldest.values() != "r0 r1 r2 r3 r4" || oldest.Older || !oldest.Newer {
		t.Errorf("oldest: %+v", oldest)
	}
	if again := get[shownPage](t, url+"?limit=3&after="+oldest.After); again.values() != "r5 r6 r7" {
		t.Errorf("after the oldest: %+v", again)
	}
	for from, want := range map[string]string{"beginning": "r0 r1 r2", "7": "r7 r8 r9", "-2": "r23 r24", "24": "r24", "25": "", "1h": "r0 r1 r2"} {
		if got := get[shownPage](t, url+"?limit=3&from="+from); got.values() != want || !got.Complete {
			t.Errorf("from=%s: %+v", from, got)
		}
	}
}

// event is one of a stream.
type event struct{ name, data string }

// follow returns what reads the events of a stream, one at a time, until the test's end.
func follow(t *testing.T, at string) (next func() event, leave func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testmesh.Patience)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 200 || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%s: status %d, %s", at, answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	leave = func() { cancel(); answer.Body.Close() }
	t.Cleanup(leave)
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 16<<20)
	return func() (e event) {
		t.Helper()
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case name == "event":
				e.name = value
			case name == "data":
				e.data = value
			case lines.Text() == "" && e.name != "":
				return e
			}
		}
		return event{}
	}, leave
}

func TestTail(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	publish(t, p, beck.Record{Topic: "hello", Value: []byte("old")})
	next, _ := follow(t, serve(t, loopback, meshed(m)).URL()+"/api/v1/tail/hello?"+url.Values{"key": {"k"}}.Encode())
	if e := next(); e.name != "ready" {
		t.Fatalf("got %+v", e)
	}
	publish(t, p, beck.Record{Topic: "hello", Value: []byte("other")}, beck.Record{Topic: "hello", Key: []byte("k"), Value: []byte("new")})
	e := next()
	var r shown
	if err := json.Unmarshal([]byte(e.data), &r); err != nil || e.name != "record" || r.Value.String() != "new" || r.Offset != 2 {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestEvents(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	publish(t, m.Producer(nil), testmesh.Records("hello", "r", 3)...)
	next, _ := follow(t, serve(t, loopback, meshed(m)).URL()+"/api/v1/events")
	for range 2 {
		e := next()
		if e.name != "mesh" || !strings.Contains(e.data, `"hello"`) {
			t.Errorf("got %+v", e)
		}
		t.Log(e.data)
	}
}
