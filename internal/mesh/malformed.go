package mesh

import (
	"errors"
	"maps"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

var (
	errFrames    = errors.New("mesh: wrong number of frames")
	errNotOurs   = errors.New("mesh: addressed to another node")
	errMalformed = errors.New("mesh: too many malformed messages")
	errOverflow  = errors.New("mesh: peer does not read its control messages")
	errTooMany   = errors.New("mesh: too many subscriptions")
	errTowerGone = errors.New("mesh: link to the tower ended")
	errClosed    = errors.New("mesh: node closed")
	errOther     = errors.New("mesh: another node is at this endpoint")
	errReplaced  = errors.New("mesh: replaced by a newer link")
)

// maxFaults is how many malformed messages close a link.
const maxFaults = 100

// malformed counts what was dropped, by kind. It has every kind, so that whoever
// looks at it from time to time sees the first of one.
type malformed map[string]uint64

func newMalformed() malformed {
	m := malformed{otherKind: 0}
	for _, k := range malformedKinds {
		m[k.name] = 0
	}
	return m
}

func (m malformed) count(err error) { m[malformedKind(err)]++ }

func (m malformed) copy() map[string]uint64 { return maps.Clone(m) }

// malformedKinds names errors for the counters; otherKind is for the rest.
var malformedKinds = []struct {
	err  error
	name string
}{
	{errFrames, "frames"}, {errNotOurs, "address"},
	{zmtp.ErrBadFrame, "frame"}, {zmtp.ErrMessageTooLarge, "size"}, {zmtp.ErrTooManyFrames, "frames"},
	{zmtp.ErrBadCommand, "command"},
	{protocol.ErrTruncated, "truncated"}, {protocol.ErrUnknownKind, "kind"}, {protocol.ErrVersion, "version"},
	{protocol.ErrTopic, "topic"}, {protocol.ErrAddress, "address"},
}

const otherKind = "other"

// malformedKind names an error for the counters.
func malformedKind(err error) string {
	for _, k := range malformedKinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return otherKind
}
