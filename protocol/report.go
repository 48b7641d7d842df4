package protocol

import "github.com/vmihailenco/msgpack/v5"

// Bounds of a report.
const (
	// MaxReport is the size limit of a report's map in bytes. What we send is
	// smaller: [Report.Add] ends a page well before.
	MaxReport = 64 << 10
	// pageBytes is from when on a page is full.
	pageBytes = 32 << 10
	// MaxLinks is how many links one report may list.
	MaxLinks = 512
	// MaxTowers is how many towers one report may list.
	MaxTowers = 8
	// MaxCounts is how many counts one report may have.
	MaxCounts = 64
	// MaxRanges is how many missing ranges, and how many marks of differing ones,
	// a report may name for one partition.
	MaxRanges = 32
)

// Report is a node's answer to a [Query]: what it knows of itself. It is the map
// behind the fields of a REPORT:
//
//	{ "query":  as it was asked,
//	  "counts": [ [name, n], ... ],
//	  "disk":   [ used, free, size, state ],
//	  "links":  [ [address, flags], ... ],
//	  "towers": [ [sub, pub, up, started], ... ],
//	  "parts":  [ [ topic, producer, tail, next, records, bytes, last, expired,
//	                pending, missing, conflicts, [first, next, ...],
//	                [ [first, next, with], ... ] ], ... ],
//	  "more":   true if there are partitions behind these }
//
// Zero values are left out of the map. Arrays may end early, which stands for
// zeros, and go on with what a later version adds; keys that are not known are
// skipped.
type Report struct {
	Query      Query
	Counts     []Count
	Disk       *Disk // of a store
	Links      []Link
	Towers     []TowerState // those that the node joins
	Partitions []PartitionStatus
	More       bool // ask again, after the last of Partitions

	size int // about how many bytes the partitions take
}

// Count is a number that a node counts, such as messages that it dropped.
type Count struct {
	_msgpack struct{} `msgpack:",as_array"`
	Name     string   // lower case with underscores, at most 64 bytes
	N        uint64
}

// Disk is how a store's disk is.
type Disk struct {
	_msgpack struct{}  `msgpack:",as_array"`
	Used     uint64    // bytes that the log takes
	Free     uint64    // bytes there are left on the disk; 0 with Size 0: not known
	Size     uint64    // bytes of the disk
	State    DiskState // whether it takes what the store writes
}

// DiskState says whether a disk takes what is written.
type DiskState uint64

// The states of a disk.
const (
	DiskWell   DiskState = iota
	DiskFull             // nothing is acknowledged until there is room
	DiskBroken           // a write failed; the log is being opened again
	DiskFailed           // the store has given up
)

// String returns the state as a word.
func (d DiskState) String() string {
	if d > DiskFailed {
		return "unknown"
	}
	return [...]string{"well", "full", "broken", "failed"}[d]
}

// TowerState is how a node finds one of its towers.
type TowerState struct {
	_msgpack struct{} `msgpack:",as_array"`
	Sub, Pub string   // its endpoints, as the node dials them
	Up       bool     // it answers the node
	Started  int64    // when it started, by the node's clock: ms since 1970; 0: unknown
}

// Link is another node that a node is linked to.
type Link struct {
	_msgpack struct{} `msgpack:",as_array"`
	UUID     string
	Flags    LinkFlags
}

// LinkFlags says who made a link.
type LinkFlags uint64

// Who made a link.
const (
	LinkDialled  LinkFlags = 1 << iota // the node that reports has dialled the other
	LinkAccepted                       // the other has dialled it
)

// PartitionStatus is what a node knows of one partition. A store and a producer
// have the records; a consumer is about to be given the record Next.
type PartitionStatus struct {
	_msgpack  struct{} `msgpack:",as_array"`
	Topic     string
	Producer  string
	Tail      uint64   // lowest sequence that it may have
	Next      uint64   // behind the highest one
	Records   uint64   // that it has, of Tail to Next
	Bytes     uint64   // of their contents; a producer counts them as they are encoded
	Last      int64    // when the last of them was published, or came to its disk: ms since 1970, by its clock; 0: unknown
	Expired   uint64   // what is below and not there has expired
	Pending   uint64   // records: of a producer, those that lack acknowledgements; of a consumer, those that are known and not delivered
	Missing   uint64   // records that a store lacks, and looks for
	Conflicts uint64   // ranges of which another store has different contents
	Holes     []uint64 // missing ranges, first and next in turn, the lowest MaxRanges
	Marks     []Mark   // what Conflicts counts, the lowest MaxRanges
}

// Mark is a range of which another store has different contents.
type Mark struct {
	_msgpack    struct{} `msgpack:",as_array"`
	First, Next uint64
	With        string // the other store's address
}

// reportWire is the map's encoding.
type reportWire struct {
	Query  queryWire         `msgpack:"query"`
	Counts []Count           `msgpack:"counts,omitempty"`
	Disk   *Disk             `msgpack:"disk,omitempty"`
	Links  []Link            `msgpack:"links,omitempty"`
	Towers []TowerState      `msgpack:"towers,omitempty"`
	Parts  []PartitionStatus `msgpack:"parts,omitempty"`
	More   bool              `msgpack:"more,omitempty"`
}

// Add adds a partition; they come in order. When the page is full it notes that
// there is more, and returns false. Ranges above MaxRanges are left out.
func (r *Report) Add(p PartitionStatus) bool {
	if len(r.Partitions) >= min(r.Query.Most, MaxPage) || r.size >= pageBytes {
		r.More = true
		return false
	}
	p.Holes, p.Marks = p.Holes[:min(len(p.Holes), 2*MaxRanges)], p.Marks[:min(len(p.Marks), MaxRanges)]
	r.size += len(p.Topic) + len(p.Producer) + 9*len(p.Holes) + 52*len(p.Marks) + 64
	r.Partitions = append(r.Partitions, p)
	return true
}

// Count adds a count, at most [MaxCounts] of them.
func (r *Report) Count(name string, n uint64) {
	if len(r.Counts) < MaxCounts {
		r.Counts = append(r.Counts, Count{Name: name, N: n})
	}
}

// AppendReport appends a REPORT to the node that asked.
func AppendReport(dst []byte, to, sender string, r *Report) []byte {
	w := reportWire{
		Query: r.Query.wire(), Counts: r.Counts, Disk: r.Disk,
		Links: r.Links[:min(len(r.Links), MaxLinks)], Towers: r.Towers[:min(len(r.Towers), MaxTowers)], Parts: r.Partitions, More: r.More,
	}
	return appendStatus(appendString(appendTo(dst, KindReport, to), sender), w)
}

// ParseReport reads the map behind the fields of a REPORT, which [Parse] leaves as
// the trailer. It fails with [ErrStatus] for anything that is not one complete
// map of at most [MaxReport] bytes with the right types, no more of anything than
// a report may have, and partitions in order.
func ParseReport(trailer []byte) (*Report, error) {
	var w reportWire
	if len(trailer) > MaxReport || !decodeStatus(trailer, &w) {
		return nil, ErrStatus
	}
	q, err := w.Query.query()
	if err != nil {
		return nil, err
	}
	r := &Report{Query: q, Counts: w.Counts, Disk: w.Disk, Links: w.Links, Towers: w.Towers, Partitions: w.Parts, More: w.More}
	if !r.valid() {
		return nil, ErrStatus
	}
	return r, nil
}

func (r *Report) valid() bool {
	if len(r.Counts) > MaxCounts || len(r.Links) > MaxLinks || len(r.Towers) > MaxTowers || len(r.Partitions) > MaxPage || r.More && len(r.Partitions) == 0 {
		return false
	}
	for _, c := range r.Counts {
		if c.Name == "" || len(c.Name) > 64 {
			return false
		}
	}
	for _, l := range r.Links {
		if !isAddress(l.UUID) {
			return false
		}
	}
	for i := range r.Towers {
		if !r.Towers[i].valid() {
			return false
		}
	}
	last := r.Query.After
	for i := range r.Partitions {
		p := &r.Partitions[i]
		if !p.valid() || !last.Before(p.Place()) {
			return false
		}
		last = p.Place()
	}
	return true
}

func (t *TowerState) valid() bool {
	return dialable(t.Sub) && dialable(t.Pub) && t.Started >= 0
}

func (p *PartitionStatus) valid() bool {
	if !isTopic(p.Topic) || !isAddress(p.Producer) || p.Tail > p.Next || p.Records > p.Next-p.Tail || p.Last < 0 {
		return false
	}
	if len(p.Holes)%2 != 0 || len(p.Holes) > 2*MaxRanges || len(p.Marks) > MaxRanges {
		return false
	}
	for i := 0; i < len(p.Holes); i += 2 {
		if p.Holes[i] >= p.Holes[i+1] {
			return false
		}
	}
	for _, m := range p.Marks {
		if m.First >= m.Next || !isAddress(m.With) {
			return false
		}
	}
	return true
}

// Place returns where the partition stands in the order of all.
func (p *PartitionStatus) Place() Place { return Place{Topic: p.Topic, Producer: p.Producer} }

// Before reports whether p comes before q.
func (p Place) Before(q Place) bool {
	return p.Topic < q.Topic || p.Topic == q.Topic && p.Producer < q.Producer
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (p *Place) DecodeMsgpack(d *msgpack.Decoder) error {
	return decodeArray(d, &p.Topic, &p.Producer)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (c *Count) DecodeMsgpack(d *msgpack.Decoder) error { return decodeArray(d, &c.Name, &c.N) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (k *Disk) DecodeMsgpack(d *msgpack.Decoder) error {
	return decodeArray(d, &k.Used, &k.Free, &k.Size, (*uint64)(&k.State))
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (t *TowerState) DecodeMsgpack(d *msgpack.Decoder) error {
	return decodeArray(d, &t.Sub, &t.Pub, &t.Up, &t.Started)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (l *Link) DecodeMsgpack(d *msgpack.Decoder) error {
	return decodeArray(d, &l.UUID, (*uint64)(&l.Flags))
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (m *Mark) DecodeMsgpack(d *msgpack.Decoder) error {
	return decodeArray(d, &m.First, &m.Next, &m.With)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (p *PartitionStatus) DecodeMsgpack(d *msgpack.Decoder) error {
	return decodeArray(d, &p.Topic, &p.Producer, &p.Tail, &p.Next, &p.Records, &p.Bytes, &p.Last, &p.Expired,
		&p.Pending, &p.Missing, &p.Conflicts, &p.Holes, &p.Marks)
}

// decodeArray reads the elements of an array. One that ends early leaves fields
// alone, one that goes on is from a later version.
func decodeArray(d *msgpack.Decoder, fields ...any) error {
	n, err := d.DecodeArrayLen()
	for i := 0; i < n && err == nil; i++ {
		if i < len(fields) {
			err = d.Decode(fields[i])
		} else {
			err = d.Skip()
		}
	}
	return err
}
