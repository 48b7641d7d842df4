package protocol

import (
	"bytes"

	"github.com/vmihailenco/msgpack/v5"
)

// Want says what a [Query] asks for; bits that are not known are ignored.
type Want uint64

// What can be asked for.
const (
	WantCounts     Want = 1 << iota // what the node counts, and its disk
	WantLinks                       // whom it is linked to
	WantPartitions                  // partitions, a page of them
	WantRanges                      // of these, also which ranges are missing or differ
)

// MaxPage is how many partitions one [Report] may list.
const MaxPage = 1000

// Query asks a node of ours about itself. It is sent to those who subscribed to
// QUERY and their address, which C nodes do not. It is the map behind the fields
// of a QUERY:
//
//	{ "want": bits, "topic": text, "after": [topic, producer], "most": n }
//
// Zero values are left out, keys that are not known are skipped.
type Query struct {
	Want  Want
	Topic string // of which to tell partitions; "" of all
	After Place  // tell of those behind it, by topic and producer; zero: from the first on
	Most  int    // partitions that are wanted at most; 0, or above MaxPage: MaxPage
}

// Place is a partition's place in the order of all: by topic, then by producer.
type Place struct {
	_msgpack struct{} `msgpack:",as_array"`
	Topic    string   // 0 to MaxTopic bytes
	Producer string   // an address, or ""
}

// MaxQuery is the size limit of a query's map in bytes.
const MaxQuery = 1024

// queryWire is the map's encoding.
type queryWire struct {
	Want  uint64 `msgpack:"want"`
	Topic string `msgpack:"topic,omitempty"`
	After *Place `msgpack:"after,omitempty"`
	Most  uint64 `msgpack:"most,omitempty"`
}

func (q Query) wire() queryWire {
	w := queryWire{Want: uint64(q.Want), Topic: q.Topic, Most: uint64(max(q.Most, 0))}
	if q.After != (Place{}) {
		w.After = &q.After
	}
	return w
}

// query checks what was decoded.
func (w queryWire) query() (Query, error) {
	q := Query{Want: Want(w.Want), Topic: w.Topic, Most: int(min(w.Most, MaxPage))}
	if q.Most == 0 {
		q.Most = MaxPage
	}
	if w.After != nil {
		q.After = *w.After
	}
	if q.Topic != "" && !isTopic(q.Topic) || !q.After.valid() {
		return Query{}, ErrStatus
	}
	return q, nil
}

func (p Place) valid() bool {
	return (p.Topic == "" || isTopic(p.Topic)) && (p.Producer == "" || isAddress(p.Producer))
}

// AppendQuery appends a QUERY to a node, to be answered to sender.
func AppendQuery(dst []byte, to, sender string, q Query) []byte {
	return appendStatus(appendString(appendTo(dst, KindQuery, to), sender), q.wire())
}

// ParseQuery reads the map behind the fields of a QUERY, which [Parse] leaves as
// the trailer. It fails with [ErrStatus] for anything that is not one complete
// map of at most [MaxQuery] bytes with the right types.
func ParseQuery(trailer []byte) (Query, error) {
	var w queryWire
	if len(trailer) > MaxQuery || !decodeStatus(trailer, &w) {
		return Query{}, ErrStatus
	}
	return w.query()
}

// appendStatus appends the encoding of a map.
func appendStatus(dst []byte, w any) []byte {
	b := bytes.NewBuffer(dst)
	e := msgpack.NewEncoder(b)
	e.UseCompactInts(true)
	if err := e.Encode(w); err != nil { // strings and numbers have an encoding
		panic("protocol: encoding status: " + err.Error())
	}
	return b.Bytes()
}

// decodeStatus reads a map. The library takes memory by the lengths that are
// claimed: what it gets is complete.
func decodeStatus(b []byte, w any) bool {
	if _, _, isMap := cutMapLen(b); !isMap {
		return false
	}
	if rest, ok := skipValue(b, maxDepth); !ok || len(rest) > 0 {
		return false
	}
	return msgpack.Unmarshal(b, w) == nil
}
