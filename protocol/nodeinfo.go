package protocol

import (
	"math"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// What a node is, as it says in its info frame. Names other than these may come
// from newer nodes.
const (
	RoleProducer = "producer"
	RoleConsumer = "consumer"
	RoleStore    = "store"
	RoleTower    = "tower"
	RoleObserver = "observer" // asks others about themselves, and has no records
)

const (
	// MaxInfo is the size limit of an info frame in bytes; larger ones are not
	// read. What we send is always smaller.
	MaxInfo = 1024
	// maxInfoString is where the strings of an info frame are cut, in bytes.
	maxInfoString = 255
	// maxAgeMillis is the largest age that a time.Duration can hold.
	maxAgeMillis = int64(math.MaxInt64 / time.Millisecond)
)

// NodeInfo is what a beck node tells of itself behind its beacon: a msgpack map
//
//	{"role": str, "name": str, "version": str, "age": milliseconds,
//	 "holds": [name str, held bool, since milliseconds]}     consumers that save positions
//
// Missing keys are zero, unknown ones are skipped. Strings are cut at 255 bytes
// on both sides and are otherwise as the peer sent them: quote before printing.
type NodeInfo struct {
	Role    string        // one of the Role constants
	Name    string        // for people; "" when the node has none
	Version string        // of the program
	Age     time.Duration // since the node started; sent in whole milliseconds
	Holds   Hold          // the name of saved positions that it claims; zero for none
}

// Hold is a consumer's claim to a name of saved positions, which only one may
// hold. See [Hold.Beats].
type Hold struct {
	Name  string // at most MaxSavedName bytes; "" is no claim
	Held  bool   // it has taken up the positions; else it is about to
	Since int64  // when it claimed the name, by its own clock: ms since 1970
}

// Beats reports which of two live claims to one name stands: true for h, of the
// node with address self. One that has taken up the positions beats one that is
// about to. Of two that are about to, the earlier stands. Two that have taken
// them up did not hear of each other then: the later stands, which went on from
// where the earlier had come to. Both sides decide by the same numbers, so
// however their clocks differ, one of them stands.
func (h Hold) Beats(self string, other Hold, otherAddress string) bool {
	switch {
	case h.Held != other.Held:
		return h.Held
	case h.Since == other.Since:
		return self < otherAddress
	}
	return (h.Since > other.Since) == h.Held
}

// infoWire is the map's encoding.
type infoWire struct {
	Role    string `msgpack:"role"`
	Name    string `msgpack:"name"`
	Version string `msgpack:"version"`
	Age     int64  `msgpack:"age"`

	Holds *holdWire `msgpack:"holds,omitempty"`
}

type holdWire struct {
	_msgpack struct{} `msgpack:",as_array"`
	Name     string
	Held     bool
	Since    int64
}

// Append appends the info frame's bytes, at most [MaxInfo], to dst. A negative
// age is sent as 0.
func (i NodeInfo) Append(dst []byte) []byte {
	w := infoWire{
		Role:    cutInfo(i.Role),
		Name:    cutInfo(i.Name),
		Version: cutInfo(i.Version),
		Age:     max(0, i.Age.Milliseconds()),
	}
	if h := i.Holds; h.Name != "" {
		w.Holds = &holdWire{Name: cutName(h.Name), Held: h.Held, Since: h.Since}
	}
	b, err := msgpack.Marshal(w)
	if err != nil { // strings and a number have an encoding
		panic("protocol: encoding node info: " + err.Error())
	}
	return append(dst, b...)
}

// ParseInfo reads an info frame. It fails with [ErrInfo] for anything that is
// not one complete map of at most [MaxInfo] bytes with the right types, and for
// a negative age. An age beyond 292 years is taken for that.
func ParseInfo(frame []byte) (NodeInfo, error) {
	if len(frame) > MaxInfo {
		return NodeInfo{}, ErrInfo
	}
	// The library takes memory by the lengths a frame claims, up to 1 MiB, and
	// takes other things for a map: what it gets is complete and a map.
	if _, _, isMap := cutMapLen(frame); !isMap {
		return NodeInfo{}, ErrInfo
	}
	if rest, ok := skipValue(frame, maxDepth); !ok || len(rest) > 0 {
		return NodeInfo{}, ErrInfo
	}
	var w infoWire
	if err := msgpack.Unmarshal(frame, &w); err != nil || w.Age < 0 {
		return NodeInfo{}, ErrInfo
	}
	i := NodeInfo{
		Role:    cutInfo(w.Role),
		Name:    cutInfo(w.Name),
		Version: cutInfo(w.Version),
		Age:     time.Duration(min(w.Age, maxAgeMillis)) * time.Millisecond,
	}
	if h := w.Holds; h != nil {
		i.Holds = Hold{Name: cutName(h.Name), Held: h.Held, Since: h.Since}
	}
	return i, nil
}

func cutInfo(s string) string { return s[:min(len(s), maxInfoString)] }

func cutName(s string) string { return s[:min(len(s), MaxSavedName)] }
