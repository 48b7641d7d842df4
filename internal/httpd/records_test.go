package httpd_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
	"github.com/beckmesh/beck/store"
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
		Partition             string
		Tail, End, From, Next uint64
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
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	publish(t, p, testmesh.Records("hello", "r", 25)...)
	url := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/hello"

	newest := get[shownPage](t, url+"?limit=10")
	if p := newest.Partitions; len(p) != 1 || p[0].Tail != 0 || p[0].End != 25 || p[0].From != 15 || p[0].Next != 25 {
		t.Errorf("newest: %+v", p)
	}
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
	if none := get[shownPage](t, url+"?after="+newest.After); len(none.Records) > 0 || !none.Older || none.Newer {
		t.Errorf("after the newest: %+v", none)
	}
	publish(t, m.Producer(nil), testmesh.Records("hello", "s", 2)...)
	if fresh := get[shownPage](t, url+"?after="+newest.After); fresh.values() != "s0 s1" {
		t.Errorf("of a new producer: %+v", fresh)
	}
	if before = get[shownPage](t, url+"?limit=10&before="+newest.Before); before.values() != "r5 r6 r7 r8 r9 r10 r11 r12 r13 r14" {
		t.Errorf("before, with a new producer: %+v", before)
	}
	url += "?partition=" + p.Address() + "&"
	for from, want := range map[string]string{"beginning": "r0 r1 r2", "7": "r7 r8 r9", "-2": "r23 r24", "24": "r24", "25": "", "1h": "r0 r1 r2"} {
		if got := get[shownPage](t, url+"limit=3&from="+from); got.values() != want || !got.Complete {
			t.Errorf("from=%s: %+v", from, got)
		}
	}
}

// TestPagesMerge goes through several partitions by time, both ways: each record comes
// once and in order, whatever the size of pages.
func TestPagesMerge(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	rnd := rand.New(rand.NewPCG(1, 2))
	type place struct {
		at time.Time
		id string
	}
	var want []place
	for i := range 4 {
		p := m.Producer(nil)
		at := time.UnixMilli(1_700_000_000_000).UTC()
		var records []beck.Record
		for n := range 1 + 40*i*i {
			at = at.Add(time.Duration(1+rnd.IntN(200*(4-i))) * time.Millisecond)
			id := fmt.Sprintf("%s/%d", p.Address(), n)
			records = append(records, beck.Record{Topic: "hello", Time: at, Value: []byte(id)})
			want = append(want, place{at, id})
		}
		publish(t, p, records...)
	}
	slices.SortFunc(want, func(a, b place) int { return a.at.Compare(b.at) })
	at := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/hello?limit="
	for _, limit := range []int{1000, 61, 250} {
		var on, back []shown
		page := get[shownPage](t, fmt.Sprint(at, limit, "&from=beginning"))
		for on = page.Records; page.Newer; on = append(on, page.Records...) {
			page = get[shownPage](t, fmt.Sprint(at, limit, "&after=", page.After))
		}
		page = get[shownPage](t, fmt.Sprint(at, limit))
		for back = page.Records; page.Older; back = slices.Concat(page.Records, back) {
			page = get[shownPage](t, fmt.Sprint(at, limit, "&before=", page.Before))
		}
		for way, got := range map[string][]shown{"on": on, "back": back} {
			if len(got) != len(want) {
				t.Fatalf("%s by %d: %d records, want %d", way, limit, len(got), len(want))
			}
			for i, r := range got { // those of one time may come in any order
				if !r.Time.Equal(want[i].at) || r.Value.String() != fmt.Sprintf("%s/%d", r.Partition, r.Offset) {
					t.Fatalf("%s by %d: record %d is %s of %v, want %v", way, limit, i, r.Value, r.Time, want[i])
				}
			}
		}
	}
	one := get[shownPage](t, fmt.Sprint(at, 1000, "&partition=", want[0].id[:32]))
	if len(one.Partitions) != 1 || slices.ContainsFunc(one.Records, func(r shown) bool { return r.Partition != want[0].id[:32] }) || len(one.Records) == 0 {
		t.Errorf("one partition: %+v", one)
	}
	middle := want[len(want)/2].at
	since := get[shownPage](t, fmt.Sprint(at, 1000, "&from=", url.QueryEscape(middle.Format(time.RFC3339Nano))))
	if len(since.Records) == 0 || slices.ContainsFunc(since.Records, func(r shown) bool { return r.Time.Before(middle) }) || !since.Older {
		t.Errorf("since %v: %d records from %v on", middle, len(since.Records), since.Records[0].Time)
	}
}

// TestPagesOfOddTimes keeps the order of a partition whose clock was set back, and has
// a record without a time go with its neighbour.
func TestPagesOfOddTimes(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	for name, seconds := range map[string][]int64{"p": {10, 50, 20, 0, 60}, "q": {30, 40, 55}} {
		var records []beck.Record
		for i, at := range seconds {
			r := beck.Record{Topic: "hello", Value: fmt.Append(nil, name, i)}
			if at > 0 {
				r.Time = time.Unix(at, 0)
			}
			records = append(records, r)
		}
		publish(t, m.Producer(func(c *producer.Config) { c.Timestamps = false }), records...)
	}
	at := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/hello"
	if got := get[shownPage](t, at+"?from=beginning").values(); got != "p0 q0 q1 p1 p2 p3 q2 p4" {
		t.Errorf("from the beginning: %s", got)
	}
	if got := get[shownPage](t, at).values(); got != "p0 p1 p2 q0 q1 q2 p3 p4" {
		t.Errorf("from the end: %s", got)
	}
}

// TestPagesFiltered finds few among many, and says how many it looked at.
func TestPagesFiltered(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	records := testmesh.Records("hello", "r", 20_000)
	for i := range records {
		if i%5000 == 77 {
			records[i].Key = []byte("\xff k")
		}
	}
	records[3].Key, records[5].Key = []byte{}, []byte("k")
	publish(t, m.Producer(nil), records...)
	at := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/hello?"
	for query, want := range map[string]string{
		"key=%FF+k":                           "r77 r5077 r10077 r15077",
		"key=%FF+k&limit=2":                   "r10077 r15077",
		"key=%FF+k&limit=2&from=beginning":    "r77 r5077",
		"key=":                                "r3",
		"key=k&contains=5":                    "r5",
		"key=k&contains=6":                    "",
		"contains=r1234&limit=3":              "r12347 r12348 r12349",
		"contains=r1234&limit=3&from=12345":   "r12345 r12346 r12347",
		"contains=r1234&from=beginning":       "r1234 r12340 r12341 r12342 r12343 r12344 r12345 r12346 r12347 r12348 r12349",
		"contains=r1234&from=-7654":           "r12346 r12347 r12348 r12349",
		"contains=nowhere&from=beginning":     "",
		"contains=nowhere&limit=1&from=19999": "",
	} {
		page := get[shownPage](t, at+query)
		if page.values() != want || !page.Complete {
			t.Errorf("%s: %s; want %s", query, page.values(), want)
		}
		if page.Scanned < uint64(len(page.Records)) || page.Scanned > 20_000 || strings.Contains(query, "nowhere&from=b") && page.Scanned != 20_000 {
			t.Errorf("%s: %d records were looked at", query, page.Scanned)
		}
	}
	page := get[shownPage](t, at+"key=%FF+k&limit=3")
	if rest := get[shownPage](t, at+"key=%FF+k&limit=3&before="+page.Before); rest.values() != "r77" || rest.Older || !rest.Newer {
		t.Errorf("the rest: %+v", rest)
	}
}

// TestRecordShapes: text is text, whatever it is to a browser; other bytes are base64;
// what is long is cut, and not within a character.
func TestRecordShapes(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	at := time.UnixMilli(1_700_000_000_120).UTC()
	const topic = "a b/<c>?*"
	publish(t, m.Producer(nil),
		beck.Record{Topic: topic, Time: at, Value: []byte("<script>alert(1)</script>"), Key: []byte("k"), Headers: []beck.Header{{Name: "n", Value: []byte("v")}, {Name: "\xfe"}}},
		beck.Record{Topic: topic, Value: []byte{0, 0xff}, Key: []byte{}},
		beck.Record{Topic: topic, Value: []byte("ääää")},
		beck.Record{Topic: topic, Value: bytes.Repeat([]byte{0xff}, 9)},
		beck.Record{Topic: topic},
	)
	where := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/" + url.PathEscape(topic)
	_, text, _ := ask(t, where+"?value_limit=25", nil)
	for _, part := range []string{
		`"time": "2023-11-14T22:13:20.120Z"`, `"value": {
        "text": "\u003cscript\u003ealert(1)\u003c/script\u003e"
      }`, `"base64": "/g=="`, `"base64": "AP8="`, `"key": {
        "text": ""
      }`, `"size": 25`, `"source": "`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %s in %s", part, text)
		}
	}
	r := get[shownPage](t, where+"?value_limit=5").Records
	if len(r) != 5 {
		t.Fatalf("got %+v", r)
	}
	for i, want := range []string{"<scri true 25 25", "00ff false 0 2", "ää true 8 8", "ffffffffff true 9 9", " false 0 0"} {
		if got := fmt.Sprint(r[i].Value, r[i].Value.Cut, " ", r[i].Value.Size, r[i].Size); strings.Join(strings.Fields(got), " ") != strings.TrimSpace(want) {
			t.Errorf("value %d: got %s, want %s", i, got, want)
		}
	}
	if h := r[0].Headers; len(h) != 2 || h[0][0].String() != "n" || h[0][1].String() != "v" || h[1][0].String() != "fe" || r[0].Key.String() != "k" || r[2].Key != nil {
		t.Errorf("got %+v", r[0])
	}
}

// TestPageOfLargeValues ends before its records take too much memory, and the next one
// goes on there.
func TestPageOfLargeValues(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	for i := range 20 {
		publish(t, p, beck.Record{Topic: "hello", Value: bytes.Repeat([]byte{'a' + byte(i)}, 1<<20)})
	}
	at := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/hello?value_limit=1048576&"
	var offsets []uint64
	sizes := 0
	page := get[shownPage](t, at+"from=beginning")
	for pages := 1; ; pages++ {
		if n := len(page.Records); n == 0 || n > 9 || !page.Complete {
			t.Fatalf("a page of %d records", n)
		}
		for _, r := range page.Records {
			offsets, sizes = append(offsets, r.Offset), sizes+len(*r.Value.Text)
		}
		if !page.Newer {
			break
		}
		page = get[shownPage](t, at+"after="+page.After)
	}
	if len(offsets) != 20 || !slices.IsSorted(offsets) || sizes != 20<<20 {
		t.Errorf("offsets %v, %d bytes", offsets, sizes)
	}
	if newest := get[shownPage](t, at); len(newest.Records) < 7 || newest.Records[len(newest.Records)-1].Offset != 19 || !newest.Older {
		t.Errorf("the newest: %d records", len(newest.Records))
	}
}

// TestExpired says which of the records that were asked for are no longer kept.
func TestExpired(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	st := m.Store("", func(c *store.Config) { c.Retain = []string{"hello=records:10"} })
	p := m.Producer(nil)
	publish(t, p, testmesh.Records("hello", "r", 5000)...)
	p.Close()
	testmesh.Until(t, "retention", func() bool { return st.Stats().Trimmed == 4990 })
	at := serve(t, loopback, meshed(m)).URL() + "/api/v1/records/hello?limit=3&from="
	page := get[shownPage](t, at+"100")
	if page.values() != "r4990 r4991 r4992" || len(page.Gaps) != 1 || page.Gaps[0].Kind != "expired" || page.Gaps[0].First != 100 || page.Gaps[0].Last != 4989 || page.Older {
		t.Errorf("got %+v", page)
	}
	if page := get[shownPage](t, at+"beginning"); page.values() != "r4990 r4991 r4992" || len(page.Gaps) != 0 || page.Partitions[0].Tail != 4990 {
		t.Errorf("got %+v", page)
	}
}

// TestManyPartitions looks at those that were written to last, and says how many it
// leaves out.
func TestManyPartitions(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	st := m.Store("")
	var oldest *producer.Producer
	for i := range 5 {
		p := m.Producer(nil)
		oldest = cmp.Or(oldest, p)
		publish(t, p, testmesh.Records("hello", fmt.Sprint("p", i, "-"), 2)...)
		testmesh.Until(t, "the next millisecond", func(now int64) func() bool {
			return func() bool { return time.Now().UnixMilli() > now && st.Stats().Records == uint64(2*i+2) }
		}(time.Now().UnixMilli()))
	}
	c := loopback
	c.MaxPartitions = 2
	api := serve(t, c, meshed(m)).URL() + "/api/v1"
	at := api + "/records/hello?limit=3"
	page := get[shownPage](t, at)
	if page.values() != "p3-1 p4-0 p4-1" || page.LeftOut != 3 || len(page.Partitions) != 2 {
		t.Errorf("got %+v", page)
	}
	if page = get[shownPage](t, at+"&before="+page.Before); page.values() != "p3-0" || page.LeftOut != 0 || page.Older {
		t.Errorf("before it: %+v", page)
	}
	if page = get[shownPage](t, at+"&after="+page.After); page.values() != "p3-1 p4-0 p4-1" || page.LeftOut != 3 {
		t.Errorf("after that: %+v", page)
	}
	publish(t, oldest, testmesh.Records("hello", "late", 1)...)
	testmesh.Until(t, "it to be seen", func() bool {
		return get[struct{ Topic survey.Topic }](t, api+"/topics/hello").Topic.Records == 11
	})
	if next := get[shownPage](t, at+"&after="+page.After); len(next.Records) > 0 || !slices.Equal(ids(next), ids(page)) {
		t.Errorf("other partitions than on the page before: %+v", next)
	}
}

// ids are those of the partitions that were read.
func ids(p shownPage) (all []string) {
	for _, part := range p.Partitions {
		all = append(all, part.Partition)
	}
	return all
}

// TestSilentStore: what others have is shown, and that it may not be all.
func TestSilentStore(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until a store counts as silent")
	}
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	publish(t, m.Producer(nil), testmesh.Records("hello", "r", 2)...)
	silent := foreign.New(t)
	silent.Info = &protocol.NodeInfo{Role: protocol.RoleStore}
	silent.Join(m.Tower.Sub(), m.Tower.Pub())
	page := get[shownPage](t, serve(t, loopback, meshed(m)).URL()+"/api/v1/records/hello")
	if page.values() != "r0 r1" || page.Complete {
		t.Errorf("got %+v", page)
	}
}

func TestWrongQuestions(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	publish(t, m.Producer(nil), testmesh.Records("hello", "r", 1)...)
	url := serve(t, loopback, meshed(m)).URL() + "/api/v1"
	none := strings.Repeat("0F", 16)
	for path, want := range map[string]string{
		"/records/hello?limit=0":                   "400 limit: \"0\": want 1 to 1000",
		"/records/hello?limit=1001":                "400 limit",
		"/records/hello?value_limit=-1":            "400 value_limit: \"-1\": want 0 to 1048576",
		"/records/hello?from=":                     "400 from: \"\": want beginning, end, N, -N, or a time",
		"/records/hello?from=stored":               "400 from: \"stored\"",
		"/records/hello?from=e@1h":                 "400 from: \"e@1h\"",
		"/records/hello?from=-0":                   "400 from: \"-0\"",
		"/records/hello?from=99999999999999999999": "400 from",
		"/records/hello?before=x":                  "400 before: it is none that was given with a page",
		"/records/hello?after=AAAA":                "400 after: it is none",
		"/records/hello?after=&from=end":           "400 from, before and after: want one of them",
		"/records/hello?partition=0f":              "400 partition: \"0f\": want a producer's address",
		"/records/hello?contains=":                 "400 contains: want what values are to contain",
		"/records/hello?offset=1":                  "400 no such parameter: \"offset\": want partition, from",
		"/records/hello?key=a&key=b":               "400 key: want it once",
		"/records/" + strings.Repeat("x", 256):     "400 topic",
		"/records/none":                            "404 no node that answers has records of topic \"none\"",
		"/records/hello?partition=" + none:         "404 no node that answers has records of topic \"hello\" by producer " + none,
		"/records/":                                "404 no such path",
		"/tail/hello?rate=0":                       "400 rate: \"0\": want 1 to 1000",
		"/tail/hello?rate=1001":                    "400 rate",
		"/tail/hello?partition=x":                  "400 partition",
		"/tail/hello?value_limit=1048577":          "400 value_limit",
		"/tail/hello?contains=":                    "400 contains",
		"/tail/hello?from=end":                     "400 no such parameter: \"from\"",
		"/tail/":                                   "404 no such path",
		"/tail/" + strings.Repeat("x", 256):        "400 topic",
		"/events?all=true":                         "400 no such parameter: \"all\": want none",
	} {
		status, text, header := ask(t, url+path, nil)
		var answer struct{ Error string }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %q, %v: want JSON", path, text, err)
		}
		if got := fmt.Sprint(status, " ", answer.Error); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s; want %s", path, got, want)
		}
	}
	if n := m.Tower.Stats().Nodes; n > 4 {
		t.Errorf("%d nodes: wrong questions joined the mesh", n)
	}
}
