package sim

import (
	"slices"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

func (h *history) cutConnection() bool {
	if len(h.hosts) == 0 {
		return false
	}
	host := pick(h.World, h.hosts)
	if len(host.conns) == 0 {
		return false
	}
	pick(h.World, host.conns).cut()
	return true
}

func (h *history) cutHost() bool {
	if len(h.hosts) == 0 {
		return false
	}
	for _, c := range pick(h.World, h.hosts).conns {
		c.cut()
	}
	return true
}

// pair returns two different machines that are up.
func (h *history) pair() (a, b *machine, ok bool) {
	if len(h.hosts) < 2 {
		return nil, nil, false
	}
	a, b = pick(h.World, h.hosts).machine, pick(h.World, h.hosts).machine
	return a, b, a != b
}

func (h *history) partition() bool {
	a, b, ok := h.pair()
	if ok {
		h.blocked[[2]*machine{a, b}], h.blocked[[2]*machine{b, a}] = true, true
		h.tracef("%s and %s do not reach each other", a.name, b.name)
	}
	return ok
}

func (h *history) oneWay() bool {
	a, b, ok := h.pair()
	if ok {
		h.blocked[[2]*machine{a, b}] = true
		h.tracef("%s does not reach %s", a.name, b.name)
	}
	return ok
}

func (h *history) unpartition() bool {
	if len(h.blocked) == 0 {
		return false
	}
	clear(h.blocked)
	h.releaseStuck()
	return true
}

// damage has a record change that one of our nodes sends soon. C nodes drop the
// checksum by which that is noticed.
func (h *history) damage() bool {
	if len(h.hosts) == 0 || len(h.foreign()) > 0 {
		return false
	}
	host := pick(h.World, h.hosts)
	if len(host.conns) == 0 {
		return false
	}
	pick(h.World, host.conns).damage = true
	return true
}

// damageRecord changes the last record whose value begins in b, as publishOne
// makes it, and returns whether there is one.
func damageRecord(b []byte) bool {
	for i := len(b) - 2; i >= protocol.AddressLen; i-- {
		if b[i] == '@' && b[i+1]-'0' < 10 && protocol.ValidAddress(string(b[i-protocol.AddressLen:i])) == nil {
			b[i+1] ^= 1
			return true
		}
	}
	return false
}

// staleAck sends a producer an ACK that the store has sent some time before,
// perhaps by a link that is gone.
func (h *history) staleAck() bool {
	return h.replay(func(acks [][]byte) []byte { return pick(h.World, acks[:len(acks)-1]) }, 2)
}

// sameAck sends a producer the store's last ACK twice more.
func (h *history) sameAck() bool {
	return h.replay(func(acks [][]byte) []byte { return acks[len(acks)-1] }, 1)
}

// replay sends one of the ACKs, of which there must be so many, that a store has
// sent to a producer.
func (h *history) replay(choose func([][]byte) []byte, least int) bool {
	type way struct {
		c    *conn
		acks [][]byte
	}
	var ways []way
	for _, host := range h.hosts {
		for _, c := range host.conns {
			if c.tap != nil && c.tap.open == 0 && !c.reset && !c.lost && len(host.sentAcks[c.peer.host.node.UUID()]) >= least {
				ways = append(ways, way{c, host.sentAcks[c.peer.host.node.UUID()]})
			}
		}
	}
	if len(ways) == 0 {
		return false
	}
	to := pick(h.World, ways)
	frame := choose(slices.Clip(to.acks))
	h.tracef("%s sends %s an ACK again", to.c.host.machine.name, to.c.peer.host.machine.name)
	for range 2 {
		to.c.send(zmtp.AppendMessage(nil, frame))
	}
	return true
}
