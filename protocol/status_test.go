package protocol

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sameStatus compares what was decoded with what was encoded.
var sameStatus = cmp.Options{
	cmpopts.IgnoreUnexported(Report{}, Place{}, Count{}, Disk{}, Link{}, TowerState{}, PartitionStatus{}, Mark{}),
	cmpopts.EquateEmpty(),
}

func someReport() *Report {
	r := &Report{
		Query:  Query{Want: WantCounts | WantPartitions, Topic: "t", After: Place{Topic: "t", Producer: addrA}, Most: 10},
		Counts: []Count{{Name: "commits", N: 3}},
		Disk:   &Disk{Used: 1 << 40, Free: 7, Size: 1 << 41, State: DiskFull},
		Links:  []Link{{UUID: addrB, Flags: LinkDialled | LinkAccepted}},
		Towers: []TowerState{{Sub: "tcp://tower:5556", Pub: "tcp://tower:5557", Up: true, Started: 1700000000000}},
	}
	r.Add(PartitionStatus{
		Topic: "t", Producer: addrB, Tail: 5, Next: 300, Records: 290, Bytes: 1 << 33, Last: 1700000000000,
		Expired: 4, Pending: 2, Missing: 5, Conflicts: 1, Holes: []uint64{7, 9, 20, 23},
		Marks: []Mark{{First: 0, Next: 4096, With: addrA}},
	})
	return r
}

// body returns what stands behind the fields of a frame.
func body(t testing.TB, frame []byte, k Kind) []byte {
	t.Helper()
	m, err := Parse(frame)
	if err != nil || m.Kind != k || string(m.To) != addrA || string(m.Sender) != addrB {
		t.Fatalf("%+v %v", m, err)
	}
	return m.Trailer
}

func TestQueryBytes(t *testing.T) {
	q := Query{Want: WantCounts | WantPartitions, Topic: "hi", After: Place{Topic: "hi", Producer: addrA}, Most: 500}
	b := body(t, AppendQuery(nil, addrA, addrB, q), KindQuery)
	want := "\x84\xa4want\x05\xa5topic\xa2hi\xa5after\x92\xa2hi\xd9\x20" + addrA + "\xa4most\xcd\x01\xf4"
	if string(b) != want {
		t.Errorf("query is\n%q, want\n%q", b, want)
	}
	got, err := ParseQuery(b)
	if diff := cmp.Diff(q, got, sameStatus); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if got, err := ParseQuery([]byte("\x82\xa4want\x01\xa4what\x91\x05")); err != nil || got.Want != WantCounts || got.Most != MaxPage {
		t.Errorf("with a key that is not known: %+v %v", got, err)
	}
}

func TestReportRoundTrip(t *testing.T) {
	r := someReport()
	got, err := ParseReport(body(t, AppendReport(nil, addrA, addrB, r), KindReport))
	if diff := cmp.Diff(r, got, sameStatus); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// TestReportVersions reads arrays that end early and that go on, and keys that
// are not known.
func TestReportVersions(t *testing.T) {
	short := "\x83\xa5query\x81\xa4want\x01\xa5later\xc3\xa5parts\x91\x94\xa1t\xd9\x20" + addrA + "\x02\x07"
	r, err := ParseReport([]byte(short))
	if err != nil || len(r.Partitions) != 1 || r.Partitions[0].Next != 7 || r.Partitions[0].Records != 0 {
		t.Errorf("short: %+v %v", r, err)
	}
	long := "\x82\xa5query\x81\xa4want\x01\xa6counts\x91\x93\xa1n\x05\xc3"
	if r, err = ParseReport([]byte(long)); err != nil || len(r.Counts) != 1 || r.Counts[0].N != 5 {
		t.Errorf("long: %+v %v", r, err)
	}
}

func TestReportRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Report){
		"out of order":    func(r *Report) { r.Query.After = r.Partitions[0].Place() },
		"more of nothing": func(r *Report) { r.Partitions, r.More = nil, true },
		"tail above next": func(r *Report) { r.Partitions[0].Tail = 301 },
		"too many":        func(r *Report) { r.Partitions[0].Records = 296 },
		"odd holes":       func(r *Report) { r.Partitions[0].Holes = []uint64{1} },
		"empty hole":      func(r *Report) { r.Partitions[0].Holes = []uint64{3, 3} },
		"no topic":        func(r *Report) { r.Partitions[0].Topic = "" },
		"no producer":     func(r *Report) { r.Partitions[0].Producer = "x" },
		"no address":      func(r *Report) { r.Links[0].UUID = "x" },
		"no tower":        func(r *Report) { r.Towers[0].Pub = "tcp://tower:0" },
		"early tower":     func(r *Report) { r.Towers[0].Started = -1 },
		"no name":         func(r *Report) { r.Counts[0].Name = "" },
		"bad mark":        func(r *Report) { r.Partitions[0].Marks[0].With = "" },
		"negative time":   func(r *Report) { r.Partitions[0].Last = -1 },
		"bad question":    func(r *Report) { r.Query.Topic = "\x00" },
	} {
		r := someReport()
		spoil(r)
		if _, err := ParseReport(body(t, AppendReport(nil, addrA, addrB, r), KindReport)); !errors.Is(err, ErrStatus) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, b := range []string{"", "\x80\x00", "\x90", "\xdf\xff\xff\xff\xff", "\x81\xa5parts\xdd\x00\x0f\xff\xff", "\x81\xa5query\x01"} {
		if _, err := ParseReport([]byte(b)); !errors.Is(err, ErrStatus) {
			t.Errorf("%q: %v", b, err)
		}
	}
	if _, err := ParseReport(bytes.Repeat([]byte{0x80}, MaxReport+1)); !errors.Is(err, ErrStatus) {
		t.Errorf("too long: %v", err)
	}
}

// TestReportPage fills a page with the largest partitions, links and counts that
// there are: it must stay readable.
func TestReportPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Report{Query: Query{Most: rapid.IntRange(1, MaxPage).Draw(t, "most")}}
		for range MaxLinks + 1 {
			r.Links = append(r.Links, Link{UUID: addrA, Flags: 3})
		}
		long := "tcp://" + strings.Repeat("t", maxHost) + ":5557"
		for range MaxTowers + 1 {
			r.Towers = append(r.Towers, TowerState{Sub: long, Pub: long, Up: true, Started: 1 << 62})
		}
		for range MaxCounts + 1 {
			r.Count(strings.Repeat("n", 64), 1<<63)
		}
		n := rapid.SampledFrom([]int{1, 20, MaxTopic - 4}).Draw(t, "topic")
		full := rapid.Bool().Draw(t, "ranges")
		for i := 0; ; i++ {
			p := PartitionStatus{Topic: strings.Repeat("t", n) + string([]byte{byte(1 + i/16129), byte(1 + i/127%127), byte(1 + i%127)}), Producer: addrA, Tail: 1 << 62, Next: 1 << 63, Bytes: 1 << 63, Last: 1 << 62}
			for range MaxRanges + 1 {
				if full {
					p.Holes = append(p.Holes, 1<<62, 1<<63)
					p.Marks = append(p.Marks, Mark{First: 1 << 62, Next: 1 << 63, With: addrA})
				}
			}
			if !r.Add(p) {
				break
			}
		}
		m, err := Parse(AppendReport(nil, addrA, addrB, r))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseReport(m.Trailer)
		if err != nil || len(got.Partitions) != len(r.Partitions) || !got.More || len(m.Trailer) > MaxReport {
			t.Fatalf("%v: %d bytes, %d partitions", err, len(m.Trailer), len(r.Partitions))
		}
	})
}

func FuzzStatus(f *testing.F) {
	r, _ := Parse(AppendReport(nil, addrA, addrB, someReport()))
	q, _ := Parse(AppendQuery(nil, addrA, addrB, someReport().Query))
	f.Add(r.Trailer)
	f.Add(q.Trailer)
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, err := ParseQuery(b); err == nil {
			m, _ := Parse(AppendQuery(nil, addrA, addrB, q))
			if again, err := ParseQuery(m.Trailer); err != nil || again != q {
				t.Fatalf("query %+v, again %+v: %v", q, again, err)
			}
		}
		r, err := ParseReport(b)
		if err != nil {
			return
		}
		m, _ := Parse(AppendReport(nil, addrA, addrB, r))
		if len(m.Trailer) > MaxReport {
			return // the shortest encoding is ours, but for lengths of strings
		}
		again, err := ParseReport(m.Trailer)
		if diff := cmp.Diff(r, again, sameStatus); err != nil || diff != "" {
			t.Fatalf("parsed again: %v %s", err, diff)
		}
	})
}
