package httpd

import (
	"maps"
	"net/http"
	"net/http/pprof"
	"net/url"
	profiles "runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// route is what answers a path.
type route struct {
	serve  func(w http.ResponseWriter, r *request) error
	params []string // what the query may have; "name..." may be repeated
	open   bool     // it needs no token and no place
	any    bool     // it checks its query itself
	exact  bool     // for its path alone, though that ends with "/"
	stream bool     // it goes on until the client leaves, and has a place among streams
	put    bool     // PUT changes something there
}

// request is one that may be answered.
type request struct {
	*http.Request
	rest  string // of the path, behind that of a route that ends with "/"
	query url.Values
	known bool // it has the token
}

// newRoutes returns the routes by their path. One that ends with "/" is for all
// that begins with it, and goes on.
func (s *Server) newRoutes() map[string]route {
	routes := map[string]route{
		"/livez":   {serve: s.livez, open: true},
		"/readyz":  {serve: s.readyz, open: true},
		"/metrics": {serve: s.newMetrics()},
	}
	maps.Copy(routes, s.apiRoutes())
	if s.daemon.LogLevel != nil {
		routes["/api/v1/log-level"] = route{serve: s.logLevel, put: true}
	}
	if s.daemon.Page {
		maps.Copy(routes, pageRoutes())
	}
	if s.cfg.Pprof {
		routes["/debug/pprof/"] = route{serve: profile, any: true}
	}
	return routes
}

// find returns the route of a path, and what of the path is behind it. It is empty
// if there is none.
func (s *Server) find(path string) (route, string) {
	if found, ok := s.routes[path]; ok && (found.exact || !strings.HasSuffix(path, "/")) {
		return found, ""
	}
	for at, found := range s.routes {
		if rest, ok := strings.CutPrefix(path, at); ok && strings.HasSuffix(at, "/") && !found.exact && (rest != "" || found.any) {
			return found, rest
		}
	}
	return route{}, ""
}

// parse returns the query, or says what of it is not known.
func (p *route) parse(raw string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, failf(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	if p.any {
		return query, nil
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case slices.Contains(p.params, name+"..."):
		case !slices.Contains(p.params, name):
			return nil, failf(http.StatusBadRequest, "no such parameter: %q: want %s", name, p.allowed())
		case len(query[name]) > 1:
			return nil, failf(http.StatusBadRequest, "%s: want it once", name)
		}
	}
	return query, nil
}

func (p *route) allowed() string {
	if len(p.params) == 0 {
		return "none"
	}
	return strings.ReplaceAll(strings.Join(p.params, ", "), "...", "")
}

// number returns a parameter, or what it is by default.
func (r *request) number(name string, standard, low, high uint64) (uint64, error) {
	text := r.query.Get(name)
	if !r.query.Has(name) {
		return standard, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n < low || n > high {
		return 0, failf(http.StatusBadRequest, "%s: %q: want %d to %d", name, text, low, high)
	}
	return n, nil
}

func (s *Server) livez(w http.ResponseWriter, _ *request) error {
	if err := s.daemon.Alive(); err != nil {
		return failf(http.StatusServiceUnavailable, "%v", err)
	}
	writeJSON(w, http.StatusOK, struct {
		Alive bool `json:"alive"`
	}{true})
	return nil
}

func (s *Server) readyz(w http.ResponseWriter, r *request) error {
	var answer struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons,omitempty"`
	}
	why, status := s.daemon.Ready(), http.StatusOK
	if answer.Ready = len(why) == 0; !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	if r.known {
		answer.Reasons = why
	}
	writeJSON(w, status, answer)
	return nil
}

// newMetrics returns what answers /metrics.
func (s *Server) newMetrics() func(http.ResponseWriter, *request) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(processMetrics(s.daemon.Version)...)
	registry.MustRegister(s.daemon.Metrics...)
	h := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return func(w http.ResponseWriter, r *request) error {
		h.ServeHTTP(w, r.Request)
		return nil
	}
}

// longestProfile bounds a profile over time.
const longestProfile = time.Minute

// profile answers with one of Go's profiles.
func profile(w http.ResponseWriter, r *request) error {
	seconds, err := r.number("seconds", 30, 0, uint64(longestProfile/time.Second))
	if err != nil {
		return err
	}
	within(w, time.Duration(seconds)*time.Second+answerTime)
	switch r.rest {
	case "profile":
		pprof.Profile(w, r.Request)
	case "trace":
		pprof.Trace(w, r.Request)
	case "symbol":
		pprof.Symbol(w, r.Request)
	case "":
		pprof.Index(w, r.Request)
	default: // the command line is left out: it may name what is secret
		if profiles.Lookup(r.rest) == nil {
			return failf(http.StatusNotFound, "no such profile: %q", r.rest)
		}
		pprof.Handler(r.rest).ServeHTTP(w, r.Request)
	}
	return nil
}
