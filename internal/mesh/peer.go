package mesh

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Peer is another node, by its UUID: what we dialled of it, and what it
// dialled of us. The node's lock guards it.
type Peer struct {
	UUID      string
	Info      *protocol.NodeInfo // as it announced itself; nil for a foreign node
	Started   time.Time          // when it started, as it announced; zero if it did not
	Announced bool               // a tower named it
	Dialled   *Dialled           // nil while there is no such link
	Accepted  *Accepted          // the newest, nil while there is none
	Failures  int                // dials that failed since the last link
	Since     time.Time          // when Dialled came up

	linked  bool              // Dialled came up before
	answers []func(*Accepted) // to requests that came before the link to answer by
}

// Foreign reports whether the peer is not known to be a beck node. A foreign
// tower drops what our beacons say beyond its own fields; then the identity that
// the peer gave on the link we dialled tells.
func (p *Peer) Foreign() bool { return p.Info == nil && (p.Dialled == nil || !p.Dialled.beck) }

// Role returns the role that the peer announced, "" for none.
func (p *Peer) Role() string {
	if p.Info == nil {
		return ""
	}
	return p.Info.Role
}

// Source returns what the peer can be asked, and whether it can be asked
// anything: both links must stand, and it must have subscribed to FETCH.
func (p *Peer) Source() (s core.Source, ok bool) {
	if p.Dialled == nil || p.Accepted == nil {
		return s, false
	}
	subs := &p.Accepted.link.outlet.Subs
	s = core.Source{
		ID: p.UUID, All: subs.Match(string(rune(protocol.KindFetch))),
		Lists: subs.Match(string(rune(protocol.KindGetHeads))), Foreign: p.Foreign(),
	}
	return s, s.All || subs.Match(protocol.Subscription(protocol.KindFetch, p.UUID))
}

// OwnSubscription returns what a node subscribes to for messages of kind k that
// are addressed to it. An address has one length, so it needs no terminator,
// and foreign nodes look for it without one.
func OwnSubscription(k protocol.Kind, uuid string) string { return string(rune(k)) + uuid }

// Send queues a control message to the peer; it goes nowhere while the peer has
// not dialled us. It needs the lock.
func (p *Peer) Send(frame []byte) {
	if p.Accepted != nil {
		p.Accepted.Send(frame)
	}
}

// Accepted is a link that a peer dialled: it carries our messages to the peer
// and the peer's subscriptions to us.
type Accepted struct {
	link *link
	peer *Peer
	beck bool // it gave a UUID as its identity, as our nodes do

	reader  *zmtp.Reader
	changes []subscription
}

// Send queues a control message. It needs the lock.
func (a *Accepted) Send(frame []byte) { a.link.send(frame) }

// Peer returns who dialled; nil while it is not known.
func (a *Accepted) Peer() *Peer { return a.peer }

// Beck reports whether the peer understands what only our nodes send.
func (a *Accepted) Beck() bool { return a.beck }

// Subscribed reports whether the peer asked for messages that begin so.
func (a *Accepted) Subscribed(k protocol.Kind, to string) bool {
	return a.link.outlet.Subs.Match(protocol.Subscription(k, to))
}

// Fetch adds an answer to what the link has to send. It needs the lock.
func (a *Accepted) Fetch(p core.Partition, requester string, first uint64, count uint32) {
	a.link.node.sums.requests++
	if a.link.outlet.Fetch(p, requester, first, uint64(count), a.beck) {
		a.link.wakeWriter()
	}
}

// Heads adds a list of heads to what the link has to send. It needs the lock.
func (a *Accepted) Heads(topic, requester string) {
	if a.link.outlet.Heads(topic, requester, a.beck) {
		a.link.wakeWriter()
	}
}

// HeadsAt is Heads that say where a time, in ms since 1970, begins. It needs the
// lock.
func (a *Accepted) HeadsAt(topic, requester string, time uint64) {
	if a.link.outlet.HeadsAt(topic, requester, a.beck, time) {
		a.link.wakeWriter()
	}
}

// Dialled is a link that we dialled: it carries the peer's messages to us and
// our subscriptions to the peer.
type Dialled struct {
	Data     any // the role's
	link     *link
	peer     *Peer
	endpoint string
	reader   *zmtp.Reader
	in       assembler
	memory   *memory // that reader fills
	kept     bool    // the role keeps what the last read brought
	beck     bool    // it gave its UUID as its identity, as our nodes do
}

// Peer returns whom we dialled, as its beacon named it.
func (d *Dialled) Peer() *Peer { return d.peer }

// Subscribe asks the peer for messages. It needs the lock.
func (d *Dialled) Subscribe(prefix string) { d.subscription(prefix, true) }

// Cancel undoes one Subscribe. It needs the lock.
func (d *Dialled) Cancel(prefix string) { d.subscription(prefix, false) }

func (d *Dialled) subscription(prefix string, on bool) {
	before := len(d.link.control)
	d.link.control = zmtp.AppendSubscription(d.link.control, []byte(prefix), on)
	d.link.queued(len(d.link.control) - before)
}

// Fault counts a message from the peer that makes no sense. It needs the lock.
func (d *Dialled) Fault(err error) { d.link.fault(err) }

// peer returns the peer of a UUID, made when it is new.
func (n *Node) peer(uuid string) *Peer {
	p := n.peers[uuid]
	if p == nil {
		p = &Peer{UUID: uuid}
		n.peers[uuid] = p
	}
	return p
}

// release forgets a peer that nobody names and that has no links.
func (n *Node) releasePeer(p *Peer) {
	if !p.Announced && p.Dialled == nil && p.Accepted == nil {
		delete(n.peers, p.UUID)
	}
}

// Peer returns the peer of a UUID, nil when there is none. It needs the lock.
func (n *Node) Peer(uuid string) *Peer { return n.peers[uuid] }

// Peers returns all peers, by UUID. It needs the lock.
func (n *Node) Peers() []*Peer {
	peers := slices.Collect(maps.Values(n.peers))
	slices.SortFunc(peers, func(a, b *Peer) int { return strings.Compare(a.UUID, b.UUID) })
	return peers
}

// Broadcast queues a control message to every peer that subscribed to it. It
// needs the lock.
func (n *Node) Broadcast(k protocol.Kind, to string, frame []byte) {
	prefix := protocol.Subscription(k, to)
	for _, a := range slices.Clone(n.accepted) {
		if a.link.outlet.Subs.Match(prefix) {
			a.Send(frame)
		}
	}
}

// maxAnswers bounds the requests of one peer that wait for its link.
const maxAnswers = 256

// Answer calls f with the accepted link by which to answer a requester: the one
// that it dialled itself, or one that subscribed to its address. A peer that
// has just dialled us may ask by the other link before we know of this one;
// then f is called as soon as we do. It needs the lock.
func (n *Node) Answer(k protocol.Kind, requester string, f func(*Accepted)) {
	p := n.peers[requester]
	if p != nil && p.Accepted != nil {
		f(p.Accepted)
		return
	}
	for _, a := range n.accepted {
		if a.Subscribed(k, requester) {
			f(a)
			return
		}
	}
	if p != nil && len(p.answers) < maxAnswers {
		p.answers = append(p.answers, f)
	}
}

// answerWaiting answers what came before the link. It needs the lock.
func (p *Peer) answerWaiting() {
	answers := p.answers
	p.answers = nil
	for _, f := range answers {
		f(p.Accepted)
	}
}
