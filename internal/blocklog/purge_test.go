package blocklog

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestPurgeDir(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/s", o)
	other := Partition{alpha.Topic, producer(9)}
	commitRange(t, l, alpha, 0, 9_000)
	commitRange(t, l, other, 0, 10)
	commitRange(t, l, beta, 0, 10)
	closeLog(t, l)
	for _, c := range []struct {
		order PurgeOrder
		want  []Purged
	}{
		{PurgeOrder{Topic: "none", Before: 5}, nil},
		{PurgeOrder{Topic: alpha.Topic, Producer: producer(8), Before: 5}, nil},
		{PurgeOrder{Topic: alpha.Topic, Producer: alpha.Producer, Before: 5_000}, []Purged{{alpha, 5_000, 5_000}}},
		{PurgeOrder{Topic: alpha.Topic, Before: 5_003}, []Purged{{alpha, 5_003, 3}, {other, 10, 10}}},
		{PurgeOrder{Topic: alpha.Topic, Before: math.MaxUint64}, []Purged{{alpha, 9_000, 9_000 - 5_003}}},
	} {
		sortPurged(c.want)
		plan, err := PlanPurge("/s", c.order, o)
		if err != nil || !slices.Equal(plan, c.want) {
			t.Errorf("%+v: %v, %v; want %v", c.order, plan, err, c.want)
		}
		if err := PurgeDir("/s", plan, o); err != nil {
			t.Error(err)
		}
		if left, err := PlanPurge("/s", c.order, o); err != nil || len(left) > 0 {
			t.Errorf("%+v: %v are left, %v", c.order, left, err)
		}
		wantSound(t, "/s", o)
	}
	l = openLog(t, "/s", o)
	defer closeLog(t, l)
	if s, _ := l.State(alpha); s.Purged != 9_000 || s.Records != 0 {
		t.Errorf("%+v", s)
	}
	wantRange(t, l, beta, 0, 0, 10)
	if err := PurgeDir("/none", nil, o); !errors.Is(err, ErrNotStore) {
		t.Error(err)
	}
}

func sortPurged(all []Purged) {
	slices.SortFunc(all, func(a, b Purged) int { return a.Partition.compare(b.Partition) })
}

func TestSummarize(t *testing.T) {
	o := small(vfs.NewMem())
	l := openLog(t, "/s", o)
	commitRange(t, l, alpha, 3, 20)
	commitRange(t, l, alpha, 30, 40)
	if _, err := l.MarkConflict(alpha, Range{5, 6}, producer(7), l.opts.Now()); err != nil {
		t.Fatal(err)
	}
	uuid := l.UUID()
	state, _ := l.State(alpha)
	closeLog(t, l)
	s, err := Summarize("/s", o)
	if err != nil || s.UUID != uuid || s.Format != format || s.DiskBytes < state.Bytes || s.Missing != "" || len(s.Partitions) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	p := s.Partitions[0]
	if p.State != state || p.Conflicts != 1 || p.SetAside != 0 || !slices.Equal(p.Holes, []Range{{20, 30}}) {
		t.Errorf("%+v", p)
	}
}
