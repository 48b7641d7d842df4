package survey

import (
	"time"
	"unicode/utf8"
)

// Snapshot is what is known of a mesh at a time. Lists are sorted; times are those
// of the nodes that told them. It is plain data, and belongs to who asked for it.
//
// Names of topics and of saved positions may be any bytes. Where one is no UTF-8, JSON
// has no way to say it: it is then given in base64 as well, in a field whose name ends
// with 64.
type Snapshot struct {
	Time     time.Time `json:"time"`
	Complete bool      `json:"complete"` // a tower answers, and every node that the towers name
	Silent   []string  `json:"silent,omitempty"`
	Overflow uint64    `json:"overflow,omitempty"` // partitions left out, for there are too many
	Towers   []Tower   `json:"towers"`
	Nodes    []Node    `json:"nodes"`
	Topics   []Topic   `json:"topics"`
	Saved    []Saved   `json:"saved,omitempty"` // with Config.Positions
}

// Tower is a tower that the observer joined, or nodes do.
type Tower struct {
	Sub     string     `json:"sub"`
	Pub     string     `json:"pub"`
	Up      bool       `json:"up"`
	Name    string     `json:"name,omitempty"`
	Version string     `json:"version,omitempty"`
	Started *time.Time `json:"started,omitempty"` // nil for a foreign tower
	Told    bool       `json:"told,omitempty"`    // the observer knows of it by nodes alone
}

// Node is a node that towers name.
type Node struct {
	Address   string            `json:"address"`
	Role      string            `json:"role"` // of a foreign node ""
	Name      string            `json:"name,omitempty"`
	Version   string            `json:"version,omitempty"`
	Endpoint  string            `json:"endpoint"`           // where it is dialled
	Endpoints []string          `json:"endpoints"`          // that towers announce
	Started   *time.Time        `json:"started,omitempty"`  // nil for a foreign node
	Linked    bool              `json:"linked"`             // the observer is linked to it
	Foreign   bool              `json:"foreign,omitempty"`  // it is no node of ours
	Answered  bool              `json:"answered"`           // it has told what it has, if it can
	Saves     string            `json:"saves_as,omitempty"` // the name of the positions that it saves
	Links     []Link            `json:"links,omitempty"`    // as it says
	Counts    map[string]uint64 `json:"counts,omitempty"`   // as it says
	Rates     *Rates            `json:"rates,omitempty"`    // nil after the first round
	Disk      *Disk             `json:"disk,omitempty"`     // of a store
}

// Link is another node that a node is linked to.
type Link struct {
	Address  string `json:"address"`
	Dialled  bool   `json:"dialled"`  // by the node
	Accepted bool   `json:"accepted"` // dialled by the other
}

// Disk is how a store's disk is.
type Disk struct {
	Used  uint64 `json:"used"`           // bytes that the store takes
	Free  uint64 `json:"free,omitempty"` // bytes left
	Size  uint64 `json:"size,omitempty"` // 0: it cannot tell
	State string `json:"state"`          // well, full, broken or failed
}

// Topic sums its partitions up.
type Topic struct {
	Name       string      `json:"name"`
	Name64     []byte      `json:"name64,omitempty"`
	Partitions int         `json:"partitions"`
	Alive      int         `json:"alive"` // partitions whose producer is there
	Records    uint64      `json:"records"`
	Bytes      uint64      `json:"bytes"`
	Rate       float64     `json:"rate"`           // records a second, since the round before
	Last       *time.Time  `json:"last,omitempty"` // of the newest record
	Missing    uint64      `json:"missing"`        // records that stores lack, over all of them
	Conflicts  uint64      `json:"conflicts"`      // ranges in which stores differ, over all of them
	List       []Partition `json:"list,omitempty"`
}

// Partition is what one producer wrote to a topic.
type Partition struct {
	Producer string     `json:"producer"`
	Alive    bool       `json:"alive"`          // the producer is there: the observer is linked to it
	Tail     uint64     `json:"tail"`           // lowest offset that somebody has
	Head     uint64     `json:"head"`           // highest offset
	Records  uint64     `json:"records"`        // that can be had
	Bytes    uint64     `json:"bytes"`          // of their contents, as the fullest store counts them
	Rate     float64    `json:"rate"`           // records a second, since the round before
	Last     *time.Time `json:"last,omitempty"` // of the newest record
	Stores   int        `json:"stores"`         // that have the head, as it was when the round began
	Pending  uint64     `json:"pending"`        // records that lack the acknowledgements that the producer waits for
	Holders  []Holder   `json:"holders"`        // who has how much
	Readers  []Reader   `json:"readers,omitempty"`
}

// Holder is a node that has records of a partition.
type Holder struct {
	Node      string     `json:"node"`
	Role      string     `json:"role"`
	Tail      uint64     `json:"tail"`
	Head      uint64     `json:"head"`
	Records   uint64     `json:"records"`
	Bytes     uint64     `json:"bytes"`
	Last      *time.Time `json:"last,omitempty"` // when it got the last one
	Missing   uint64     `json:"missing"`
	Conflicts uint64     `json:"conflicts"`
	Expired   uint64     `json:"expired,omitempty"` // below it nothing is waited for
	Holes     []Range    `json:"holes,omitempty"`   // with Config.Ranges: the lowest ones
	Differs   []Mark     `json:"differs,omitempty"` // with Config.Ranges: the lowest ones
}

// Range is the offsets First to Last.
type Range struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Mark is a range of which another store has different contents.
type Mark struct {
	Range
	With string `json:"with"` // the other store
}

// Reader is a consumer that receives a partition.
type Reader struct {
	Node    string  `json:"node"`
	Next    uint64  `json:"next"`              // what it receives next
	Lag     uint64  `json:"lag"`               // records that it knows of and has not received
	Stalled []Range `json:"stalled,omitempty"` // what it waits for, and nobody serves
}

// Saved is what is saved under a name.
type Saved struct {
	Name      string     `json:"name"`
	Name64    []byte     `json:"name64,omitempty"`
	Consumer  string     `json:"consumer"` // who saved it last
	Alive     bool       `json:"alive"`    // a consumer has the name now
	Holder    string     `json:"holder,omitempty"`
	Since     time.Time  `json:"since"` // when Consumer took the name
	Topics    []string   `json:"topics"`
	Lag       uint64     `json:"lag"` // over all positions
	Positions []Position `json:"positions,omitempty"`
}

// Position is how far a partition is finished.
type Position struct {
	Topic    string `json:"topic"`
	Topic64  []byte `json:"topic64,omitempty"`
	Producer string `json:"producer"`
	Next     uint64 `json:"next"`              // the first offset that is not finished
	New      bool   `json:"new,omitempty"`     // nothing is saved: it begins at the first record
	Head     uint64 `json:"head"`              // highest offset there is
	Lag      uint64 `json:"lag"`               // records from Next on
	Expired  uint64 `json:"expired,omitempty"` // records from Next on that are gone
}

// Bytes returns what is given of a name beside it: nothing if it is UTF-8, else its
// bytes.
func Bytes(name string) []byte {
	if utf8.ValidString(name) {
		return nil
	}
	return []byte(name)
}
