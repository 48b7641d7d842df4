package httpd

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server answers requests about a daemon until it is closed.
type Server struct {
	cfg    *settings
	daemon Daemon
	http   *http.Server
	ln     net.Listener
	mesh   *observer
	told   told
	routes map[string]route

	busy   chan struct{} // a place for each request
	pages  chan struct{} // of these, for those that read records
	live   chan struct{} // for those that stream, which have places of their own
	cancel context.CancelFunc
	done   sync.WaitGroup
	// life is held for reading by what answers a request, and for writing by
	// Close, which so waits for them.
	life   sync.RWMutex
	closed bool
}

// Start listens and serves. It fails with [ErrConfig] for wrong settings, with the
// error of net.Listen when the address cannot be bound. Where HTTP is off, it
// returns nil: a nil Server has no URL, and can be closed.
func Start(c Config, d Daemon) (*Server, error) {
	cfg, err := c.load()
	if err != nil || c.Addr == Off {
		return nil, err
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("--http: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, daemon: d, ln: ln, cancel: cancel,
		mesh: newObserver(ctx, d.Mesh), busy: make(chan struct{}, cfg.MaxRequests),
		pages: make(chan struct{}, mostPages), live: make(chan struct{}, cfg.MaxStreams),
	}
	s.routes = s.newRoutes()
	s.http = s.newHTTP(ctx)
	if cfg.tls != nil {
		ln = tls.NewListener(ln, cfg.tls)
	}
	s.done.Go(func() { _ = s.http.Serve(ln) }) // it ends when it is closed
	return s, nil
}

// newHTTP returns the server of net/http. Each connection has one request at a
// time: HTTP/2 would let one have hundreds.
func (s *Server) newHTTP(ctx context.Context) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler: s, BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headerTime, WriteTimeout: longestProfile + answerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, Protocols: protocols, DisableGeneralOptionsHandler: true, // they are for the handler, too
		ConnState: newConns(s.cfg.MaxConns).changed,
		ErrorLog:  log.New(io.Discard, "", 0), // what clients do wrong is nothing to log
	}
}

// URL is where the server is reached from this machine, such as
// "http://127.0.0.1:5580"; "" where HTTP is off.
func (s *Server) URL() string {
	if s == nil {
		return ""
	}
	scheme := "http"
	if s.cfg.tls != nil {
		scheme = "https"
	}
	host, port, _ := net.SplitHostPort(s.ln.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Close stops listening, ends the connections, and waits until everything that was
// started has ended.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	s.cancel()
	_ = s.http.Close() // the listener is closed in any case
	s.life.Lock()
	s.closed = true
	s.life.Unlock()
	s.mesh.close()
	s.done.Wait()
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if r.ContentLength != 0 { // also a body that is not read is waited for, before the next request
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(headerTime))
	}
	if err := s.serve(w, r); err != nil {
		writeError(w, r, err)
	}
}

// serve answers a request that may be, or says why not.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if err := cmp.Or(s.checkHost(r), checkSite(r)); err != nil {
		return err
	}
	path, rest := s.find(r.URL.Path)
	if err := path.checkMethod(w, r); err != nil {
		return err
	}
	if r.ContentLength != 0 && r.Method != http.MethodPut {
		w.Header().Set("Connection", "close")
		writeError(w, r, failf(http.StatusRequestEntityTooLarge, "the request has a body: want none"))
		drain(w, r)
		return nil
	}
	within(w, answerTime)
	known := s.authorized(r)
	if r.Method == http.MethodPut {
		if err := s.checkChange(r); err != nil {
			return err
		}
	}
	if path.serve == nil {
		if !known {
			return errNoToken
		}
		return failf(http.StatusNotFound, "no such path: %q", r.URL.Path)
	}
	if !known && !path.open {
		return errNoToken
	}
	query, err := path.parse(r.URL.RawQuery)
	if err != nil {
		return err
	}
	places, what := s.busy, "requests are being answered"
	switch {
	case path.open:
		places = nil
	case path.stream:
		places, what = s.live, "streams are being sent"
	}
	if places != nil {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			w.Header().Set("Retry-After", "1")
			return failf(http.StatusServiceUnavailable, "%d %s: that is the most", cap(places), what)
		}
	}
	return path.serve(w, &request{Request: r, rest: rest, query: query, known: known})
}

// What is read of a body that nobody wants.
const (
	bodyPatience = 500 * time.Millisecond
	bodyBytes    = 8 << 20
)

// drain sends the answer and then reads on for a moment: a connection that is
// closed on what its peer is sending takes the answer with it.
func drain(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	_ = c.Flush()
	_ = c.SetReadDeadline(time.Now().Add(bodyPatience))
	_, _ = io.CopyN(io.Discard, r.Body, bodyBytes)
}

// within bounds the time of an answer.
func within(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d)) // without it, it may take as long as a profile
}
