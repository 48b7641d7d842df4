package httpd_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/prometheus/client_golang/prometheus"
)

// meshed is a daemon that looks at a mesh, and has the metrics of all its kinds of
// nodes.
func meshed(m *testmesh.Mesh, metrics ...prometheus.Collector) httpd.Daemon {
	d := quiet()
	d.Version = "test"
	d.Metrics, d.Mesh = metrics, survey.Config{NodeConfig: m.Node}
	return d
}

// get returns what an API path answers.
func get[T any](t *testing.T, url string) (answer T) {
	t.Helper()
	status, text, _ := ask(t, url, nil)
	if status != 200 {
		t.Fatalf("%s: status %d: %s", url, status, text)
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return answer
}

// odd is a topic's name that has to be escaped in a path.
const odd = "a b/<c>?%"

// TestAPI asks a mesh with a store, a producer of three topics and a consumer that has
// saved its position in one.
func TestAPI(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	for _, topic := range []string{"hello", "other", odd} {
		publish(t, p, testmesh.Records(topic, "r", 10)...)
	}
	c := m.Consumer(func(c *consumer.Config) { c.SaveAs = "billing" }, "hello")
	testmesh.Take(t, c, 4)
	if err := c.Commit(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	url := serve(t, loopback, meshed(m)).URL() + "/api/v1"
	for name, test := range map[string]func(*testing.T, string){
		"nodes": apiNodes, "topics": apiTopics, "topic": apiTopic, "lag": apiLag, "check": apiCheck, "errors": apiErrors,
	} {
		t.Run(name, func(t *testing.T) { test(t, url) })
	}
}

func apiNodes(t *testing.T, url string) {
	nodes := get[struct {
		Complete bool
		Nodes    []survey.Node
	}](t, url+"/nodes")
	if len(nodes.Nodes) != 3 || !nodes.Complete {
		t.Errorf("got %+v, want a store, a producer and a consumer", nodes)
	}
}

func apiTopics(t *testing.T, url string) {
	type named struct{ Name string }
	type list struct {
		Topics []named
		After  string
	}
	if got := fmt.Sprint(get[list](t, url+"/topics")); got != fmt.Sprintf("{[{%s} {hello} {other}] }", odd) {
		t.Errorf("/topics: got %s", got)
	}
	if got := get[list](t, url+"/topics?all=true").Topics; len(got) != 4 {
		t.Errorf("/topics?all=true: got %v, want the positions as well", got)
	}
	if got := fmt.Sprint(get[list](t, url+"/topics?after=a+b/%3Cc%3E%3F%25&limit=1")); got != "{[{hello}] hello}" {
		t.Errorf("/topics, a page: got %s", got)
	}
}

func apiTopic(t *testing.T, url string) {
	for path, topic := range map[string]string{"/topics/hello": "hello", "/topics/a%20b%2F%3Cc%3E%3F%25": odd, "/topics/a%20b/%3Cc%3E%3F%25": odd} {
		got := get[struct{ Topic survey.Topic }](t, url+path).Topic
		if got.Name != topic || got.Records != 10 || len(got.List) != 1 || got.List[0].Holders[0].Node == "" || got.List[0].Stores != 1 {
			t.Errorf("%s: got %+v", path, got)
		}
	}
	if got := get[struct{ Gaps []survey.Gap }](t, url+"/gaps/hello").Gaps; got == nil || len(got) != 0 {
		t.Errorf("/gaps/hello: got %v, want an empty list", got)
	}
}

// TestNamesOfBytes: a topic whose name is no UTF-8 can be found by what a list says.
func TestNamesOfBytes(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	const name = "\xfe/\xff"
	p := m.Producer(nil)
	publish(t, p, testmesh.Records(name, "r", 2)...)
	publish(t, p, testmesh.Records("\xff", "r", 1)...)
	at := serve(t, loopback, meshed(m)).URL() + "/api/v1"
	list := get[struct {
		Topics  []struct{ Name64 []byte }
		After64 []byte
	}](t, at+"/topics?limit=1")
	if len(list.Topics) != 1 || string(list.Topics[0].Name64) != name || string(list.After64) != name {
		t.Fatalf("got %+v", list)
	}
	if got := get[struct{ Topic survey.Topic }](t, at+"/topics/"+url.PathEscape(name)).Topic; got.Records != 2 || string(got.Name64) != name {
		t.Errorf("got %+v", got)
	}
	if next := get[struct{ Topics []survey.Topic }](t, at+"/topics?after="+url.QueryEscape(name)).Topics; len(next) != 1 || string(next[0].Name64) != "\xff" {
		t.Errorf("the next page: %+v", next)
	}
	if got := get[shownPage](t, at+"/records/"+url.PathEscape(name)).values(); got != "r0 r1" {
		t.Errorf("records: %s", got)
	}
	_, text, _ := ask(t, at+"/check?min_stores=2", nil)
	if !strings.Contains(text, `"topic64": "/i//"`) {
		t.Errorf("a problem does not say which topic it is about: %s", text)
	}
	if _, text, _ := ask(t, at+"/nodes", nil); strings.Contains(text, "64\":") {
		t.Errorf("got %s", text)
	}
}

func apiLag(t *testing.T, url string) {
	if got := get[struct{ Saved []survey.Saved }](t, url+"/lag").Saved; len(got) != 1 || got[0].Name != "billing" || got[0].Lag != 6 || got[0].Positions != nil {
		t.Errorf("/lag: got %+v, want that billing is 6 behind", got)
	}
	if got := get[struct{ Saved survey.Saved }](t, url+"/lag/billing?topic=hello").Saved; got.Lag != 6 || len(got.Positions) != 1 {
		t.Errorf("/lag/billing: got %+v", got)
	}
}

func apiCheck(t *testing.T, url string) {
	check := get[struct {
		Status   string
		Problems []struct{ Kind string }
	}](t, url+"/check?min_stores=2&max_lag=5&disk_free=0&name=billing&name=none")
	kinds := ""
	for _, p := range check.Problems {
		kinds += p.Kind + " "
	}
	if check.Status != "critical" || !strings.Contains(kinds, "lag lag") || !strings.Contains(kinds, "stores") {
		t.Errorf("got %+v", check)
	}
}

func apiErrors(t *testing.T, url string) {
	for path, want := range map[string]int{
		"/topics/none": 404, "/gaps/none": 404, "/lag/none": 404, "/topics?limit=0": 400, "/topics?limit=10001": 400,
		"/topics?all=yes": 400, "/check?min_stores=101": 400, "/check?max_lag=-1": 400, "/check?disk_free=x": 400,
	} {
		if status, text, _ := ask(t, url+path, nil); status != want || !strings.HasPrefix(text, `{`) {
			t.Errorf("%s: status %d, want %d: %s", path, status, want, text)
		}
	}
}

// TestNoTower is an error that says so.
func TestNoTower(t *testing.T) {
	t.Parallel()
	url := serve(t, loopback, quiet()).URL()
	if status, text, _ := ask(t, url+"/api/v1/nodes", nil); status != 503 || !strings.Contains(text, "no tower answers") {
		t.Errorf("status %d: %s", status, text)
	}
}

// TestObserver joins with the first question, and is one for all who ask.
func TestObserver(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	s := serve(t, loopback, meshed(m))
	if status, _, _ := ask(t, s.URL()+"/metrics", nil); status != 200 || m.Tower.Stats().Nodes != 0 {
		t.Fatalf("status %d, and %d nodes; want no observer before it is asked", status, m.Tower.Stats().Nodes)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { get[struct{}](t, s.URL()+"/api/v1/nodes") })
	}
	all.Wait()
	if n := m.Tower.Stats().Nodes; n != 1 {
		t.Errorf("%d nodes, want one observer", n)
	}
	s.Close()
	testmesh.Until(t, "the observer to have left", func() bool { return m.Tower.Stats().SubscriberLinks == 0 })
}
