package httpd

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/protocol"
)

// Bounds of an event about the mesh.
const (
	eventEvery   = time.Second           // while nothing is known
	eventRest    = 50 * time.Millisecond // at least, between two looks for something new
	mostNodes    = 500
	mostTopics   = 500
	mostProblems = 200
	mostNamed    = 8   // topics of a node
	mostLinks    = 100 // of a node
)

// eventsRoute answers with what the mesh is like, again and again.
func (s *Server) eventsRoute() route {
	return route{serve: s.events, stream: true}
}

// meshJSON is the data of an event about the mesh.
type meshJSON struct {
	survey.Part
	Towers  []survey.Tower `json:"towers"`
	Nodes   []nodeJSON     `json:"nodes"`
	Topics  []survey.Topic `json:"topics"` // without their partitions, and without beck's own
	Saved   []survey.Saved `json:"saved"`  // without the positions
	LeftOut leftOutJSON    `json:"left_out"`
	survey.Verdict
}

// nodeJSON is a node, with the topics that a producer writes and a consumer receives.
type nodeJSON struct {
	survey.Node
	Topics     []string `json:"topics,omitempty"`
	MoreTopics int      `json:"more_topics,omitempty"` // that are not listed
	MoreLinks  int      `json:"more_links,omitempty"`
}

// leftOutJSON counts what there was no room for.
type leftOutJSON struct {
	Nodes    int `json:"nodes,omitempty"`
	Topics   int `json:"topics,omitempty"`
	Saved    int `json:"saved,omitempty"`
	Problems int `json:"problems,omitempty"`
}

func (s *Server) events(w http.ResponseWriter, r *request) error {
	if r.Method == http.MethodHead {
		return nil
	}
	out, err := newStream(w)
	if err != nil {
		return nil // nobody is there
	}
	next, ping := time.NewTimer(0), time.NewTicker(pingEvery)
	defer next.Stop()
	defer ping.Stop()
	defer s.told.forget()
	var last *survey.Snapshot
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-ping.C:
			err = out.ping()
		case <-next.C:
			last, err = s.event(r.Context(), out, last)
			next.Reset(untilNext(last))
		}
		if err != nil {
			return nil // nobody is there
		}
	}
}

// untilNext returns when a snapshot is no longer fresh, so that there is another.
func untilNext(snap *survey.Snapshot) time.Duration {
	if snap == nil {
		return eventEvery
	}
	return max(time.Until(snap.Time.Add(freshTime)), eventRest)
}

// event sends what the mesh is like, unless that was sent last, or why it is not
// known. It returns what was seen.
func (s *Server) event(ctx context.Context, out *stream, last *survey.Snapshot) (*survey.Snapshot, error) {
	snap, err := s.mesh.snapshot(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, out.send("error", errorJSON{err.Error()})
	case snap == last:
		return snap, nil
	}
	data, err := s.eventData(snap)
	if err != nil {
		return nil, err
	}
	return snap, out.write("event: mesh\ndata: %s\n\n", data)
}

// eventData is a snapshot in JSON. It is encoded once for all who are told of it.
func (s *Server) eventData(snap *survey.Snapshot) (data []byte, err error) {
	s.told.Lock()
	defer s.told.Unlock()
	if s.told.snap != snap {
		if data, err = json.Marshal(newMeshJSON(snap)); err != nil {
			return nil, err
		}
		s.told.snap, s.told.data = snap, data
	}
	return s.told.data, nil
}

// told is what the streams of the mesh were told last.
type told struct {
	sync.Mutex
	snap *survey.Snapshot
	data []byte
}

// forget lets it go, which those streams that are left make again.
func (t *told) forget() {
	t.Lock()
	defer t.Unlock()
	t.snap, t.data = nil, nil
}

// newMeshJSON takes of a snapshot what there is room for.
func newMeshJSON(snap *survey.Snapshot) *meshJSON {
	m := &meshJSON{
		Part: snap.Part(), Towers: snap.Towers, Nodes: nodesJSON(snap),
		Verdict: snap.Verdict(standardLimits()), Topics: []survey.Topic{}, Saved: []survey.Saved{},
	}
	for _, t := range snap.Topics {
		if strings.HasPrefix(t.Name, protocol.ReservedTopics) {
			continue
		}
		t.List = nil
		m.Topics = append(m.Topics, t)
	}
	for _, v := range snap.Saved {
		v.Positions = nil
		m.Saved = append(m.Saved, v)
	}
	m.LeftOut = leftOutJSON{
		len(snap.Nodes) - len(m.Nodes), max(0, len(m.Topics)-mostTopics), max(0, len(m.Saved)-mostTopics),
		max(0, len(m.Problems)-mostProblems),
	}
	m.Topics, m.Saved, m.Problems = first(m.Topics, mostTopics), first(m.Saved, mostTopics), first(m.Problems, mostProblems)
	return m
}

// nodesJSON returns the nodes that there is room for.
func nodesJSON(snap *survey.Snapshot) []nodeJSON {
	list := make([]nodeJSON, 0, min(len(snap.Nodes), mostNodes))
	byAddress := make(map[string]*nodeJSON, cap(list))
	for _, n := range first(snap.Nodes, mostNodes) {
		more := max(0, len(n.Links)-mostLinks)
		n.Links = first(n.Links, mostLinks)
		list = append(list, nodeJSON{Node: n, MoreLinks: more})
		byAddress[n.Address] = &list[len(list)-1]
	}
	for i := range snap.Topics {
		t := &snap.Topics[i]
		if strings.HasPrefix(t.Name, protocol.ReservedTopics) {
			continue
		}
		with := make(map[*nodeJSON]bool)
		for _, p := range t.List {
			with[byAddress[p.Producer]] = true
			for _, reader := range p.Readers {
				with[byAddress[reader.Node]] = true
			}
		}
		for n := range with {
			n.has(t.Name)
		}
	}
	return list
}

// has notes a topic; they come sorted. A node that is not listed is nil.
func (n *nodeJSON) has(topic string) {
	switch {
	case n == nil:
	case len(n.Topics) < mostNamed:
		n.Topics = append(n.Topics, topic)
	default:
		n.MoreTopics++
	}
}

// first returns at most n of a list.
func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }
