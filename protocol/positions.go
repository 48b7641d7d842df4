package protocol

import (
	"bytes"
	"errors"

	"github.com/vmihailenco/msgpack/v5"
)

// ErrPositions is a record of saved positions that cannot be read.
var ErrPositions = errors.New("protocol: unreadable saved positions")

// positionsVersion is the first field of saved positions.
const positionsVersion = 1

// Positions is the content of a record of [PositionsTopic], and what a file of
// saved positions holds: how far a consumer has finished partitions.
//
// The records that one consumer writes are a partition of that topic. A set of
// positions is one record or, when it is large, several in a row, of which all
// but the last have More; it counts when the last is there. The first record of
// a set that has every position, not only those that changed, has Full. A
// consumer begins with such a set, one epoch above all that it has found under
// its name: of several partitions with one name, that with the highest (epoch,
// since, address of the consumer) counts, and of it the last set.
//
// On the wire it is a msgpack array:
//
//	[ 1, name, epoch, since, base, full, more, [ topic, producer, next, ... ] ]
type Positions struct {
	Name  string // under which they are saved, 1 to MaxSavedName bytes
	Epoch uint64 // of the consumer that saved them
	Since int64  // when it claimed the name, by its clock: ms since 1970
	Base  uint64 // offset of the record from which on to read this partition: the first of the last full set that is complete, or that is begun first
	Full  bool
	More  bool
	At    []Position
}

// Position says that everything of a partition before Next is finished.
type Position struct {
	Topic    string
	Producer string
	Next     uint64
}

// positionsWire is the array's encoding.
type positionsWire struct {
	_msgpack struct{} `msgpack:",as_array"`
	Version  uint64
	Name     string
	Epoch    uint64
	Since    int64
	Base     uint64
	Full     bool
	More     bool
	At       []positionWire
}

type positionWire struct {
	_msgpack struct{} `msgpack:",as_array"`
	Topic    string
	Producer string
	Next     uint64
}

// PositionSize returns how many bytes a position takes at most.
func PositionSize(p Position) int { return 1 + 2 + len(p.Topic) + 2 + len(p.Producer) + 9 }

// PositionsSize is what Positions take at most besides their name and At.
const PositionsSize = 1 + 1 + 2 + 3*9 + 2*1 + 5

// Append appends the encoding to dst.
func (p *Positions) Append(dst []byte) []byte {
	w := positionsWire{
		Version: positionsVersion, Name: cutName(p.Name), Epoch: p.Epoch, Since: p.Since,
		Base: p.Base, Full: p.Full, More: p.More, At: make([]positionWire, len(p.At)),
	}
	for i, at := range p.At {
		w.At[i] = positionWire{Topic: at.Topic, Producer: at.Producer, Next: at.Next}
	}
	b := bytes.NewBuffer(dst)
	e := msgpack.NewEncoder(b)
	e.UseCompactInts(true)
	if err := e.Encode(&w); err != nil { // strings and numbers have an encoding
		panic("protocol: encoding positions: " + err.Error())
	}
	return b.Bytes()
}

// ParsePositions reads what Append wrote. It fails with [ErrPositions] for
// anything that is not one complete array of the right shape with a name, topics
// and addresses that are valid; for positions of a newer version too.
func ParsePositions(b []byte) (Positions, error) {
	// The library takes memory by what lengths claim: what it gets is complete.
	if rest, ok := skipValue(b, 3); !ok || len(rest) > 0 || b[0] != 0x98 {
		return Positions{}, ErrPositions
	}
	var w positionsWire
	if err := msgpack.Unmarshal(b, &w); err != nil || w.Version != positionsVersion {
		return Positions{}, ErrPositions
	}
	if w.Name == "" || len(w.Name) > MaxSavedName {
		return Positions{}, ErrPositions
	}
	p := Positions{Name: w.Name, Epoch: w.Epoch, Since: w.Since, Base: w.Base, Full: w.Full, More: w.More}
	for _, at := range w.At {
		if !isTopic(at.Topic) || !isAddress(at.Producer) {
			return Positions{}, ErrPositions
		}
		p.At = append(p.At, Position{Topic: at.Topic, Producer: at.Producer, Next: at.Next})
	}
	return p, nil
}
