package httpd

import (
	"context"
	"slices"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
)

// Bounds of a page.
const (
	mostRecords = 1000    // on it
	mostMerged  = 256     // partitions that are read together
	pageBytes   = 8 << 20 // of memory for the records that were found
	mostScanned = 1 << 20 // records looked at
	valueLimit  = 4 << 10 // bytes shown of a value, unless it is asked for otherwise
	mostOfValue = 1 << 20
	pageTime    = 10 * time.Second // for reading; joining comes before
)

// page gathers records of a topic's partitions, merged by time, from a place on or
// up to it.
//
// Each partition is a strand, of which windows of growing width are read when all
// that was found in the one before is on the page. So the next of each strand is
// known when one is chosen.
type page struct {
	back    bool // towards older records
	limit   int
	value   int // bytes of a value that are shown
	match   func(*beck.Record) bool
	strands []*strand

	records []*recordJSON // chosen, in the order of choice
	gaps    []gapJSON
	bytes   int // of these
	scanned uint64
	tired   bool // more was looked at than may be
}

// strand is a partition of a page.
//
//	tail ...... lo [ read ) hi ...... head
type strand struct {
	id         string
	tail, head uint64
	lo, hi     uint64
	width      uint64 // of the next window
	found      []found
	last       time.Time // by which the last record found is merged
	since      time.Time // what is before that is left out, until something is not
}

// early reports whether a record comes before the time at which its strand begins,
// which then begins behind it.
func (s *strand) early(r *beck.Record) bool {
	if s.since.IsZero() {
		return false
	}
	if !r.Time.IsZero() && r.Time.Before(s.since) {
		s.lo = r.Offset + 1
		return true
	}
	s.since = time.Time{}
	return false
}

// follow returns the time by which a record of a strand is merged: one without a time
// goes with that before it.
func (s *strand) follow(at time.Time) time.Time {
	if at.IsZero() {
		at = s.last
	}
	s.last = at
	return at
}

// found is a record that may come to the page.
type found struct {
	*recordJSON
	at time.Time // by which it is merged
}

// gapJSON is a range of a partition of which there are no records.
type gapJSON struct {
	Partition string `json:"partition"`
	First     uint64 `json:"first"`
	Last      uint64 `json:"last"`
	Kind      string `json:"kind"` // expired, or skipped: nobody has it
}

// done reports whether nothing is left to be read of a strand.
func (s *strand) done(back bool) bool {
	if back {
		return s.lo <= s.tail
	}
	return s.hi >= s.head
}

// fill reads and chooses until the page is full, or there is nothing more. It fails
// with the error of ctx; what was chosen by then is right.
func (p *page) fill(ctx context.Context, r *reader) error {
	for _, s := range p.strands { // which may be none
		s.width = uint64(max(16, 2*p.limit/len(p.strands)))
	}
	for {
		hungry := p.choose(false)
		if len(hungry) == 0 {
			return nil
		}
		err := p.feed(ctx, r, hungry)
		if err != nil || p.tired {
			p.choose(true)
			return err
		}
	}
}

// choose moves records to the page, as long as the next one is known; or, at the
// last, all that was found. It returns the strands of which it is not known.
func (p *page) choose(last bool) (hungry []*strand) {
	for len(p.records) < p.limit && p.bytes < pageBytes {
		var best *strand
		for _, s := range p.strands {
			switch {
			case len(s.found) == 0 && !s.done(p.back) && !last:
				hungry = append(hungry, s)
			case len(s.found) == 0:
			case best == nil, p.before(s, best):
				best = s
			}
		}
		if len(hungry) > 0 || best == nil {
			return hungry
		}
		r := best.pop(p.back).recordJSON
		p.records, p.bytes = append(p.records, r), p.bytes+r.bytes()
	}
	return nil
}

// before reports whether the next record of s comes before that of t.
func (p *page) before(s, t *strand) bool {
	if p.back {
		return s.found[len(s.found)-1].at.After(t.found[len(t.found)-1].at)
	}
	return s.found[0].at.Before(t.found[0].at)
}

func (s *strand) pop(back bool) (f found) {
	if back {
		f = s.found[len(s.found)-1]
		s.found = s.found[:len(s.found)-1]
	} else {
		f = s.found[0]
		s.found = s.found[1:]
	}
	return f
}

// feed reads the next window of each of some strands.
func (p *page) feed(ctx context.Context, r *reader, hungry []*strand) error {
	share := pageBytes / len(p.strands)
	var windows []*window
	var take []*haul
	for _, s := range hungry {
		h := &haul{page: p, strand: s, share: share}
		h.window = window{partition: s.id, take: h.take, gap: func(first, end uint64) { p.gap(s, first, end) }}
		if h.next, h.end, h.most = s.hi, min(s.hi+s.width, s.head), s.head; p.back {
			h.next, h.end, h.most = s.lo-min(s.width, s.lo-s.tail), s.lo, s.lo
		}
		h.first = h.next
		s.width = min(2*s.width, uint64(mostScanned/len(p.strands)))
		windows, take = append(windows, &h.window), append(take, h)
	}
	err := r.read(ctx, windows)
	for _, h := range take {
		h.land()
	}
	return err
}

// gap notes that a range is not there. What lies below the tail was there, and is
// no longer kept.
func (p *page) gap(s *strand, first, end uint64) {
	kind := consumer.Skipped
	if first < s.tail {
		kind = consumer.Expired
	}
	if len(p.gaps) < mostRecords {
		p.gaps = append(p.gaps, gapJSON{s.id, first, end - 1, string(kind)})
	}
}

// haul is what a window brings.
type haul struct {
	window
	page   *page
	strand *strand
	share  int // bytes that it may keep
	first  uint64
	kept   []found
	bytes  int
}

// take takes a record, if it matches.
func (h *haul) take(r *beck.Record, readable bool) bool {
	p := h.page
	if p.scanned >= mostScanned && !p.back {
		p.tired = true
		return false
	}
	p.scanned++
	p.tired = p.scanned >= mostScanned
	if h.strand.early(r) || !p.match(r) {
		return true
	}
	if h.bytes >= h.share && !p.back {
		return false
	}
	j := newRecordJSON(r, readable, p.value)
	h.kept, h.bytes = append(h.kept, found{j, r.Time}), h.bytes+j.bytes()
	for p.back && h.bytes > h.share && len(h.kept) > 1 {
		h.bytes -= h.kept[0].bytes()
		h.first = h.kept[0].Offset + 1
		h.kept = h.kept[1:]
	}
	return true
}

// land gives a strand what was found of it. Of a window that was not read to its end,
// what comes before the end is of no use to one that goes back.
func (h *haul) land() {
	s := h.strand
	if !h.page.back {
		s.hi = h.next
		for i := range h.kept {
			h.kept[i].at = s.follow(h.kept[i].at)
		}
		s.found = h.kept
		return
	}
	if h.next < h.end {
		return
	}
	s.lo = h.first
	for i := range slices.Backward(h.kept) {
		h.kept[i].at = s.follow(h.kept[i].at)
	}
	s.found = h.kept
}

// cursors return where the page begins, and what is behind it.
func (p *page) cursors() (first, behind cursor) {
	first, behind = make(cursor), make(cursor)
	for _, s := range p.strands {
		first[s.id], behind[s.id] = s.lo, s.hi
		switch n := len(s.found); {
		case n == 0:
		case p.back:
			first[s.id] = s.found[n-1].Offset + 1
		default:
			behind[s.id] = s.found[0].Offset
		}
	}
	return first, behind
}
