package httpd

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/protocol"
)

// apiRoutes are the routes of /api/v1. Each answers with what the command of beck
// with the same name prints with -o json, and the lists a page at a time.
func (s *Server) apiRoutes() map[string]route {
	return map[string]route{
		"/api/v1/nodes":    {serve: s.seeing(nodes)},
		"/api/v1/topics":   {serve: s.seeing(topics), params: []string{"all", "after", "limit"}},
		"/api/v1/topics/":  {serve: s.seeing(topic), params: []string{"after", "limit"}},
		"/api/v1/gaps/":    {serve: s.seeing(gaps)},
		"/api/v1/lag":      {serve: s.seeing(lags), params: []string{"after", "limit"}},
		"/api/v1/lag/":     {serve: s.seeing(lag), params: []string{"topic"}},
		"/api/v1/records/": s.recordsRoute(),
		"/api/v1/tail/":    s.tailRoute(),
		"/api/v1/events":   s.eventsRoute(),
		"/api/v1/check":    {serve: s.seeing(check), params: []string{"min_stores", "disk_free", "warn_lag", "max_lag", "name..."}},
	}
}

// seeing returns what answers by what the mesh is like.
func (s *Server) seeing(answer func(*survey.Snapshot, *request) (any, error)) func(http.ResponseWriter, *request) error {
	return func(w http.ResponseWriter, r *request) error {
		snap, err := s.mesh.snapshot(r.Context())
		if err != nil {
			return err
		}
		what, err := answer(snap, r)
		if err == nil {
			writeJSON(w, http.StatusOK, what)
		}
		return err
	}
}

func nodes(snap *survey.Snapshot, _ *request) (any, error) {
	return struct {
		survey.Part
		Towers []survey.Tower `json:"towers"`
		Nodes  []survey.Node  `json:"nodes"`
	}{snap.Part(), snap.Towers, snap.Nodes}, nil
}

func topics(snap *survey.Snapshot, r *request) (any, error) {
	all := r.query.Get("all")
	if r.query.Has("all") && all != "true" && all != "false" {
		return nil, failf(http.StatusBadRequest, "all: %q: want true or false", all)
	}
	list := slices.DeleteFunc(slices.Clone(snap.Topics), func(t survey.Topic) bool {
		return all != "true" && strings.HasPrefix(t.Name, protocol.ReservedTopics)
	})
	page, next, err := paged(r, list, func(t *survey.Topic) string { return t.Name })
	if err != nil {
		return nil, err
	}
	for i := range page { // of the clone
		page[i].List = nil
	}
	return struct {
		survey.Part
		Topics []survey.Topic `json:"topics"`
		nextPage
	}{snap.Part(), page, next}, nil
}

func topic(snap *survey.Snapshot, r *request) (any, error) {
	found, err := topicOf(snap, r.rest)
	if err != nil {
		return nil, err
	}
	sums, next := *found, nextPage{}
	if sums.List, next, err = paged(r, found.List, func(p *survey.Partition) string { return p.Producer }); err != nil {
		return nil, err
	}
	return struct {
		survey.Part
		Topic survey.Topic `json:"topic"`
		nextPage
	}{snap.Part(), sums, next}, nil
}

func gaps(snap *survey.Snapshot, r *request) (any, error) {
	found, err := topicOf(snap, r.rest)
	if err != nil {
		return nil, err
	}
	return struct {
		survey.Part
		Gaps []survey.Gap `json:"gaps"`
	}{snap.Part(), found.Gaps()}, nil
}

// lags are the names under which positions are saved, without the positions.
func lags(snap *survey.Snapshot, r *request) (any, error) {
	page, next, err := paged(r, slices.Clone(snap.Saved), func(s *survey.Saved) string { return s.Name })
	if err != nil {
		return nil, err
	}
	for i := range page { // of the clone
		page[i].Positions = nil
	}
	return struct {
		survey.Part
		Saved []survey.Saved `json:"saved"`
		nextPage
	}{snap.Part(), page, next}, nil
}

func lag(snap *survey.Snapshot, r *request) (any, error) {
	i := slices.IndexFunc(snap.Saved, func(s survey.Saved) bool { return s.Name == r.rest })
	if i < 0 {
		return nil, failf(http.StatusNotFound, "no positions are saved under %q", r.rest)
	}
	saved := snap.Saved[i]
	if r.query.Has("topic") {
		saved.Lag, saved.Positions = 0, slices.DeleteFunc(slices.Clone(saved.Positions), func(p survey.Position) bool {
			return p.Topic != r.query.Get("topic")
		})
		for _, p := range saved.Positions {
			saved.Lag += p.Lag
		}
	}
	return struct {
		survey.Part
		Saved survey.Saved `json:"saved"`
	}{snap.Part(), saved}, nil
}

// check takes what the flags of beck check say, by the same defaults.
func check(snap *survey.Snapshot, r *request) (any, error) {
	limits := survey.Limits{Names: r.query["name"]}
	stores, err := r.number("min_stores", checkStores, 0, 100)
	free, err2 := r.number("disk_free", checkDisk, 0, 100)
	var err3, err4 error
	limits.WarnLag, err3 = r.number("warn_lag", 0, 0, 1<<63)
	limits.MaxLag, err4 = r.number("max_lag", 0, 0, 1<<63)
	if err := cmp.Or(err, err2, err3, err4); err != nil {
		return nil, err
	}
	limits.MinStores, limits.DiskFree = int(stores), float64(free)/100
	return struct {
		survey.Part
		survey.Verdict
	}{snap.Part(), snap.Verdict(limits)}, nil
}

// By default a check wants as many stores to have a partition's head, and so many
// percent of a disk free.
const checkStores, checkDisk = 1, 10

func standardLimits() survey.Limits {
	return survey.Limits{MinStores: checkStores, DiskFree: checkDisk / 100.}
}

func topicOf(snap *survey.Snapshot, name string) (*survey.Topic, error) {
	for i := range snap.Topics {
		if snap.Topics[i].Name == name {
			return &snap.Topics[i], nil
		}
	}
	return nil, failf(http.StatusNotFound, "no node that answers has records of topic %q", name)
}

const (
	pageSize = 1000
	mostPage = 10_000
)

// nextPage says what the parameter after is for the next page; nothing if this was the
// last. A name that is no UTF-8 is given in base64 as well, as those of the list are.
type nextPage struct {
	After   string `json:"after,omitempty"`
	After64 []byte `json:"after64,omitempty"`
}

// paged returns what of a list, which is sorted by name, comes behind the
// parameter after, at most limit.
func paged[T any](r *request, list []T, name func(*T) string) (page []T, next nextPage, err error) {
	limit, err := r.number("limit", pageSize, 1, mostPage)
	if err != nil {
		return nil, next, err
	}
	if r.query.Has("after") {
		after := r.query.Get("after")
		i := slices.IndexFunc(list, func(t T) bool { return name(&t) > after })
		if i < 0 {
			i = len(list)
		}
		list = list[i:]
	}
	if page = list[:min(uint64(len(list)), limit)]; len(page) < len(list) {
		last := name(&page[len(page)-1])
		next = nextPage{last, survey.Bytes(last)}
	}
	if page == nil {
		page = []T{}
	}
	return page, next, nil
}
