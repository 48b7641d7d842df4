package tower

import (
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

const (
	// listChunk is how many nodes of a list are encoded at a time: a list takes
	// memory only as fast as its subscriber reads.
	listChunk = 256
	// listEvery is how often a subscriber can have a list by subscribing anew.
	listEvery = time.Second
	// foreignPatience is how long the list waits for a subscriber that may not
	// be ours. A C node beacons when it starts, which is often before its link
	// to the sub port stands and so is lost, then when it first hears of a node,
	// then every second. The list is to come when that link stands: what a C
	// consumer asks of nodes that do not know it yet it never asks again.
	foreignPatience = 100 * time.Millisecond
	// subscriberSilence is how long a subscriber may leave what it is sent
	// unread, besides what the buffers of its connection hold. A node that was
	// stopped for longer dials again.
	subscriberSilence = 30 * time.Second
)

var errSubscription = errors.New("tower: not a subscription")

// subscriber is a connection to the pub port. Its fields are guarded by the
// tower's lock. What it is sent, in this order:
//
//	queue     the welcome, news of single nodes, and answers
//	list      the nodes known when it subscribed, encoded as it reads
//	mark      the end of the list
//	repeats   the beacons gathered last, in bytes that subscribers share
type subscriber struct {
	*link
	tower *Tower
	view  core.View
	wake  chan struct{} // there is something to write

	topics map[string]int // how often each of the tower's topics is subscribed to

	queue  [][]byte
	queued int // bytes in queue

	list     []*core.Node // not sent yet
	listDue  time.Time    // when a list is to be begun; zero: never
	listedAt time.Time    // when a list was promised; zero: never
	mark     bool         // the end of the list is still to be said

	repeats bool // those gathered last are not sent yet
	cut     bool // overflowed; the connection is closed
}

// serveSubscriber reads subscriptions until the link ends, while a second
// goroutine writes.
func (t *Tower) serveSubscriber(l *link) {
	s := &subscriber{
		link:   l,
		tower:  t,
		view:   viewOf(l),
		wake:   make(chan struct{}, 1),
		topics: make(map[string]int),
	}
	t.mu.Lock()
	t.subs[s] = struct{}{}
	// The welcome goes before all else, whatever is subscribed to first: libzmq
	// subscribes in the order of its table, "B" before "W", and a C node loses
	// what it is told of others before it is welcomed.
	s.push(zmtp.AppendMessage(nil, protocol.Welcome()...))
	t.mu.Unlock()

	written := make(chan struct{})
	done := make(chan struct{})
	t.all.Go(func() { defer close(written); s.write(done) })
	err := s.read()
	l.conn.Close()
	close(done)
	<-written

	t.mu.Lock()
	delete(t.subs, s)
	t.mu.Unlock()
	t.ended(l, err)
}

// viewOf says where a subscriber stands: on this machine, if it comes from the
// loopback interface or from the very address that it dialled.
func viewOf(l *link) core.View {
	if l.remote.IsLoopback() || l.remote == l.local {
		return core.View{}
	}
	return core.View{Local: l.local.String()}
}

// read takes subscriptions. Anything else a subscriber sends is malformed.
func (s *subscriber) read() error {
	reader, malformed := zmtp.NewReader(s.conn, linkLimits), 0
	for {
		m, err := reader.Receive()
		if err != nil {
			return err
		}
		if s.take(m) {
			continue
		}
		s.tower.refuse(errSubscription)
		if malformed++; malformed >= maxMalformed {
			return errMalformed
		}
	}
}

// take handles one message and reports whether it is one that belongs here.
func (s *subscriber) take(m zmtp.Msg) bool {
	if topic, on, ok := zmtp.ParseSubscription(m); ok {
		s.tower.mu.Lock()
		defer s.tower.mu.Unlock()
		s.subscribe(topic, on, time.Now())
		return true
	}
	if !m.Command {
		return false
	}
	name, data, err := zmtp.ParseCommand(m.Frames[0])
	if err == nil && string(name) == zmtp.CommandPing {
		s.tower.mu.Lock()
		defer s.tower.mu.Unlock()
		s.push(zmtp.AppendPong(nil, data))
	}
	return err == nil // other commands are for later versions
}

// subscribe counts a subscription or its end, and answers the first one to a
// topic of ours. Whatever else is subscribed to never comes, and is not kept.
func (s *subscriber) subscribe(topic []byte, on bool, now time.Time) {
	if len(topic) > 1 {
		return
	}
	was := s.wanted()
	switch n := s.topics[string(topic)]; {
	case on:
		s.topics[string(topic)] = n + 1
	case n > 1:
		s.topics[string(topic)] = n - 1
	default:
		delete(s.topics, string(topic))
	}
	fresh := func(prefix string) bool { return s.wants(prefix) && !strings.Contains(was, prefix) }
	if fresh(protocol.PrefixBeacon) && (s.listedAt.IsZero() || now.Sub(s.listedAt) >= listEvery) {
		s.listDue, s.listedAt = now.Add(foreignPatience), now
		s.mark = s.wants(protocol.PrefixListEnd)
		time.AfterFunc(foreignPatience, s.rouse)
	}
	if fresh(protocol.PrefixListEnd) && !s.listedAt.IsZero() {
		s.mark = true
	}
	if s.mark && !s.listDue.IsZero() {
		s.listDue = now // it is ours
	}
	s.rouse()
}

// wants reports whether messages with this first frame are subscribed to.
func (s *subscriber) wants(prefix string) bool { return s.topics[prefix] > 0 || s.topics[""] > 0 }

// wanted are all the prefixes that are subscribed to.
func (s *subscriber) wanted() string {
	var out string
	for _, prefix := range []string{protocol.PrefixBeacon, protocol.PrefixListEnd} {
		if s.wants(prefix) {
			out += prefix
		}
	}
	return out
}

// push queues messages. A subscriber that leaves too much unread is cut off: a
// beacon that it misses it would not miss in silence.
func (s *subscriber) push(b []byte) {
	if s.cut {
		return
	}
	if s.queued+len(b) > s.tower.cfg.QueueBytes {
		s.cut, s.queue, s.queued = true, nil, 0
		s.tower.count.overflows++
		s.conn.Close()
		return
	}
	s.queue = append(s.queue, b)
	s.queued += len(b)
	s.rouse()
}

// news queues the beacon of one node.
func (s *subscriber) news(beacon []byte) {
	if s.push(beacon); !s.cut {
		s.tower.count.relayed++
	}
}

// gathered says that there are repeats. A subscriber that has not taken the last
// ones yet does without those: it is told much the same now.
func (s *subscriber) gathered([]byte) {
	if s.repeats {
		s.tower.count.skipped++
	}
	s.repeats = true
	s.rouse()
}

func (s *subscriber) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write sends what there is until the link ends.
func (s *subscriber) write(done <-chan struct{}) {
	for {
		if next := s.next(time.Now()); len(next) > 0 {
			if err := s.flush(next); err != nil {
				s.conn.Close()
				return
			}
			continue
		}
		select {
		case <-s.wake:
		case <-done:
			return
		}
	}
}

// flush writes what next returned.
func (s *subscriber) flush(next net.Buffers) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(subscriberSilence)); err != nil {
		return err
	}
	_, err := next.WriteTo(s.conn)
	return err
}

// next takes what is to be written next; nothing when all is written.
func (s *subscriber) next(now time.Time) net.Buffers {
	s.tower.mu.Lock()
	defer s.tower.mu.Unlock()
	if !s.listDue.IsZero() && !now.Before(s.listDue) {
		s.list, s.listDue = s.tower.dir.List(), time.Time{}
	}
	switch {
	case len(s.queue) > 0:
		out := s.queue
		s.queue, s.queued = nil, 0
		return out
	case len(s.list) > 0:
		return net.Buffers{s.nextOfList(now)}
	case s.mark && s.listDue.IsZero(): // the list first, even if now was taken just before it was due
		s.mark = false
		end := protocol.ListEnd{Info: s.tower.info(now)}
		return net.Buffers{zmtp.AppendMessage(nil, end.Frames()...)}
	case s.repeats && s.listDue.IsZero():
		s.repeats = false
		s.tower.count.relayed += uint64(s.tower.repeated)
		return net.Buffers{s.tower.repeats[s.view]}
	}
	return nil
}

// nextOfList encodes the next nodes of the list as they are by now.
func (s *subscriber) nextOfList(now time.Time) []byte {
	n := min(listChunk, len(s.list))
	alive := slices.DeleteFunc(s.list[:n:n], func(n *core.Node) bool { return !s.tower.dir.Has(n) })
	if s.list = s.list[n:]; len(s.list) == 0 {
		s.list = nil
	}
	s.tower.count.relayed += uint64(len(alive))
	return appendBeacons(nil, alive, s.view, now)
}

// info is what the tower says of itself.
func (t *Tower) info(now time.Time) protocol.NodeInfo {
	return protocol.NodeInfo{Role: protocol.RoleTower, Name: t.cfg.Name, Version: t.cfg.Version, Age: now.Sub(t.started)}
}
