package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/internal/testmesh"
)

// event is one of a stream.
type event struct{ name, data string }

// events are a stream as it comes.
type events struct {
	t     *testing.T
	lines *bufio.Scanner
	leave func()
}

// follow asks for a stream, which ends with the test.
func follow(t *testing.T, at string) *events {
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
	e := &events{t, bufio.NewScanner(answer.Body), func() { cancel(); answer.Body.Close() }}
	t.Cleanup(e.leave)
	e.lines.Buffer(nil, 16<<20)
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Fatalf("%s: status %d, %v", at, answer.StatusCode, answer.Header)
	}
	return e
}

// next returns the next event; none at the end of the stream.
func (s *events) next() (e event) {
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch {
		case name == "event":
			e.name = value
		case name == "data":
			e.data = value
		case s.lines.Text() == "" && e.name != "":
			return e
		}
	}
	return event{}
}

// want takes the next event, which has a name, and its data.
func want[T any](s *events, name string) (data T) {
	s.t.Helper()
	e := s.next()
	if err := json.Unmarshal([]byte(e.data), &data); err != nil || e.name != name {
		s.t.Fatalf("got event %q with %.300s, %v; want %s", e.name, e.data, err, name)
	}
	return data
}

// tally counts the records of a tail, and those that were dropped, until there were n.
func (s *events) tally(n uint64) (seen, dropped uint64) {
	s.t.Helper()
	for seen+dropped < n {
		switch e := s.next(); e.name {
		case "record":
			seen++
		case "dropped":
			var all struct{ Records uint64 }
			if err := json.Unmarshal([]byte(e.data), &all); err != nil {
				s.t.Fatal(err)
			}
			dropped += all.Records
		default:
			s.t.Fatalf("got %.100q after %d records, and %d dropped", e, seen, dropped)
		}
	}
	return seen, dropped
}

func TestTail(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p, q := m.Producer(nil), m.Producer(nil)
	publish(t, p, beck.Record{Topic: "hello", Value: []byte("old")})
	at := serve(t, loopback, meshed(m)).URL() + "/api/v1/tail/hello"
	all, some, one := follow(t, at), follow(t, at+"?key=k&contains=new"), follow(t, at+"?partition="+q.Address())
	for _, s := range []*events{all, some, one} {
		want[struct{}](s, "ready")
	}
	publish(t, p, beck.Record{Topic: "hello", Value: []byte("new 0")}, beck.Record{Topic: "other", Value: []byte("new 1")},
		beck.Record{Topic: "hello", Key: []byte("k"), Value: []byte("2")}, beck.Record{Topic: "hello", Key: []byte("k"), Value: []byte("new 3")})
	publish(t, q, beck.Record{Topic: "hello", Value: []byte("4")})
	var got []string
	for range 4 {
		r := want[shown](all, "record")
		got = append(got, fmt.Sprint(r.Value, "@", r.Offset))
	}
	if text := fmt.Sprint(got); text != "[new 0@1 2@2 new 3@3 4@0]" {
		t.Errorf("got %s", text)
	}
	if r := want[shown](some, "record"); r.Value.String() != "new 3" || r.Key.String() != "k" || r.Time.IsZero() || r.Partition != p.Address() {
		t.Errorf("got %+v", r)
	}
	if r := want[shown](one, "record"); r.Value.String() != "4" {
		t.Errorf("got %+v", r)
	}
}

// TestTailRate: what is more than was asked for is counted, and the stream goes on with
// what comes later.
func TestTailRate(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	s := follow(t, serve(t, loopback, meshed(m)).URL()+"/api/v1/tail/hello?rate=10")
	want[struct{}](s, "ready")
	publish(t, p, testmesh.Records("hello", "r", 5000)...)
	seen, dropped := s.tally(5000)
	if seen+dropped != 5000 || seen < 10 || seen > 1000 {
		t.Errorf("%d records, and %d dropped", seen, dropped)
	}
	for i := 0; ; i++ {
		publish(t, p, beck.Record{Topic: "hello", Value: []byte("later")})
		if e := s.next(); e.name == "record" {
			return
		} else if e.name != "dropped" {
			t.Fatalf("got %+v", e)
		}
	}
}

// slowTail begins a tail without reading it, and publishes 50 MB, which is more than
// the server keeps and than sockets take.
func slowTail(t *testing.T, m *testmesh.Mesh, s *httpd.Server) *events {
	t.Helper()
	p, conn := m.Producer(nil), dial(t, s)
	fmt.Fprint(conn, "GET /api/v1/tail/hello?rate=1000&value_limit=1048576 HTTP/1.0\r\nHost: localhost\r\n\r\n")
	in := &events{t: t, lines: bufio.NewScanner(conn)}
	in.lines.Buffer(nil, 1<<20)
	want[struct{}](in, "ready")
	value := bytes.Repeat([]byte("v"), 256<<10)
	for range 200 {
		publish(t, p, beck.Record{Topic: "hello", Value: value})
	}
	return in
}

// TestSlowBrowser holds up nobody, and no memory: what there is no room for is counted.
func TestSlowBrowser(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	in := slowTail(t, m, serve(t, loopback, meshed(m)))
	seen, dropped := in.tally(200)
	if seen == 0 || dropped < 100 || seen+dropped > 200 {
		t.Errorf("%d records, and %d dropped", seen, dropped)
	}
}

// TestCloseOnSlowBrowser does not wait for it.
func TestCloseOnSlowBrowser(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	s := serve(t, loopback, meshed(m))
	slowTail(t, m, s)
	begun := time.Now()
	s.Close()
	if took := time.Since(begun); took > 8*time.Second { // a browser has ten for an event
		t.Errorf("Close took %v", took)
	}
}

// TestStreamsEnd when the browser leaves, and the node that was there for it leaves
// the mesh; and when the server is closed.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	s := serve(t, loopback, meshed(m))
	gone := follow(t, s.URL()+"/api/v1/tail/hello")
	want[struct{}](gone, "ready")
	if n := m.Tower.Stats().SubscriberLinks; n != 1 {
		t.Errorf("%d nodes, want the tail's", n)
	}
	gone.leave()
	testmesh.Until(t, "the tail's node to leave", func() bool { return m.Tower.Stats().SubscriberLinks == 0 })
	stay, mesh := follow(t, s.URL()+"/api/v1/tail/hello"), follow(t, s.URL()+"/api/v1/events")
	want[struct{}](stay, "ready")
	want[struct{}](mesh, "mesh")
	s.Close()
	for _, e := range []*events{stay, mesh} {
		for last := e.next(); last.name != ""; last = e.next() {
			if last.name == "record" {
				t.Errorf("got %+v", last)
			}
		}
	}
	testmesh.Until(t, "all nodes to leave", func() bool { return m.Tower.Stats().SubscriberLinks == 0 })
}

// TestStreamsBounded: beyond the most there may be, a browser is told to come again;
// other requests have places of their own.
func TestStreamsBounded(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	c := loopback
	c.MaxStreams, c.MaxRequests = 2, 1
	url := serve(t, c, meshed(m)).URL() + "/api/v1"
	want[struct{}](follow(t, url+"/events"), "mesh")
	first := follow(t, url+"/tail/hello")
	want[struct{}](first, "ready")
	for _, path := range []string{"/events", "/tail/hello"} {
		if status, text, header := ask(t, url+path, nil); status != 503 || header.Get("Retry-After") == "" || !strings.Contains(text, "2 streams are being sent: that is the most") {
			t.Errorf("%s: status %d: %s", path, status, text)
		}
	}
	get[struct{}](t, url+"/nodes")
	first.leave()
	testmesh.Until(t, "the place to be free", func() bool {
		r, err := client.Head(url + "/tail/hello")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		return r.StatusCode == 200
	})
}

// mesh is the data of an event about the mesh.
type mesh struct {
	Time     time.Time
	Nodes    []meshNode
	Topics   []survey.Topic
	Towers   []survey.Tower
	Problems []struct{ Kind, Text string }
	Status   string
}

type meshNode struct {
	survey.Node
	Topics     []string
	MoreTopics int `json:"more_topics"`
}

func TestEvents(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	st := m.Store("")
	p := m.Producer(nil)
	c := m.Consumer(nil, ">")
	publish(t, p, testmesh.Records("hello", "r", 3)...)
	for i := range 9 {
		publish(t, p, testmesh.Records(fmt.Sprint("topic", i), "r", 1)...)
	}
	testmesh.Take(t, c, 12)
	s := follow(t, serve(t, loopback, meshed(m)).URL()+"/api/v1/events")
	now := want[mesh](s, "mesh")
	if len(now.Nodes) != 3 || len(now.Towers) != 1 || len(now.Topics) != 10 || now.Topics[0].Records != 3 || now.Topics[0].List != nil || now.Status == "" {
		t.Fatalf("got %+v", now)
	}
	for _, n := range now.Nodes {
		linked := 0
		for _, l := range n.Links {
			for _, other := range now.Nodes {
				if l.Address == other.Address {
					linked++
				}
			}
		}
		if linked == 0 {
			t.Errorf("%s has no links: %+v", n.Role, n)
		}
	}
	for _, n := range now.Nodes {
		if got := fmt.Sprint(n.Topics, n.MoreTopics); n.Role != "store" && got != "[hello topic0 topic1 topic2 topic3 topic4 topic5 topic6] 2" {
			t.Errorf("topics of the %s: %s", n.Role, got)
		}
	}
	publish(t, p, testmesh.Records("hello", "r", 100)...)
	for moved := false; !moved; {
		before := now.Time
		if now = want[mesh](s, "mesh"); now.Time.Sub(before) < time.Second/2 {
			t.Errorf("an event of %v after one of %v", now.Time, before)
		}
		for _, n := range now.Nodes {
			moved = moved || n.Role == "producer" && n.Rates != nil && n.Rates.RecordsOut != nil && *n.Rates.RecordsOut > 0
		}
	}
	st.Close()
	for there := true; there || now.Status == "ok"; {
		now = want[mesh](s, "mesh")
		there = false
		for _, n := range now.Nodes {
			there = there || n.Role == "store" && n.Linked
		}
	}
	if len(now.Problems) == 0 {
		t.Errorf("a store is gone: got %+v", now)
	}
}

// TestEventsWithoutTower say so, and go on.
func TestEventsWithoutTower(t *testing.T) {
	t.Parallel()
	s := follow(t, serve(t, loopback, quiet()).URL()+"/api/v1/events")
	for range 2 {
		if e := want[struct{ Error string }](s, "error"); !strings.Contains(e.Error, "no tower answers") {
			t.Errorf("got %+v", e)
		}
	}
}

// TestStreamsNeedTheToken as all of the API does.
func TestStreamsNeedTheToken(t *testing.T) {
	t.Parallel()
	c := loopback
	c.TokenFile = filepath.Join(t.TempDir(), "token")
	write(t, c.TokenFile, strings.Repeat("t", 16))
	url := serve(t, c, quiet()).URL() + "/api/v1"
	for _, path := range []string{"/events", "/tail/hello", "/records/hello"} {
		if status, text, _ := ask(t, url+path, nil); status != 401 {
			t.Errorf("%s: status %d: %s", path, status, text)
		}
	}
}
