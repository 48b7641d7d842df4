package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/store"
)

// Server answers for a store until it is closed.
type Server struct {
	dir    string // of the store
	store  *store.Store
	mesh   survey.Config
	log    *slog.Logger
	http   *http.Server
	places chan struct{} // for checkpoints
	done   sync.WaitGroup
	// life is held for reading by what answers a request, and for writing by
	// Close, which so waits for them.
	life   sync.RWMutex
	closed bool
}

// Serve listens in dir, the directory that s has open. mesh is where it looks how far
// a purge has come. The server is to be closed before the store.
func Serve(dir string, s *store.Store, mesh survey.Config) (*Server, error) {
	ln, err := listen(dir)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	mesh.NodeConfig = mesh.NodeConfig.WithDefaults()
	c := &Server{dir: dir, store: s, mesh: mesh, log: mesh.Logger, places: make(chan struct{}, MostCheckpoints)}
	c.http = &http.Server{Handler: c.routes(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	c.done.Go(func() { _ = c.http.Serve(ln) }) // it ends when it is closed
	return c, nil
}

// listen makes the socket in a directory that is closed to others before it is there.
// One that a crash left is nobody's: the store has the lock.
func listen(dir string) (net.Listener, error) {
	above := filepath.Join(dir, dirName)
	if err := os.RemoveAll(above); err != nil {
		return nil, err
	}
	if err := os.Mkdir(above, 0o700); err != nil {
		return nil, err
	}
	name, done, err := address(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // its name may be another by then
	return ln, nil
}

// Close ends the connections, and with them the checkpoints, waits until everything
// that was started has ended, and removes the socket. A nil Server can be closed.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	_ = s.http.Close() // the listener is closed in any case
	s.life.Lock()
	s.closed = true
	s.life.Unlock()
	s.done.Wait()
	return os.RemoveAll(filepath.Join(s.dir, dirName))
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"/v1/checkpoint":   s.checkpoint,
		"/v1/purge/plan":   answer(s.plan),
		"/v1/purge":        answer(s.purge),
		"/v1/purge/stores": answer(s.holders),
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			s.life.RLock()
			defer s.life.RUnlock()
			if s.closed {
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			if err := serve(w, r); err != nil {
				writeError(w, err)
			}
		})
	}
	return mux
}

// checkpoint makes a checkpoint and holds it until the client is gone.
func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) error {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		return failf(http.StatusServiceUnavailable, "%d checkpoints are held: that is the most", MostCheckpoints)
	}
	begun := time.Now()
	c, err := s.store.Checkpoint()
	if err != nil {
		return err
	}
	s.log.Info("checkpoint made", "dir", c.Dir, "took", time.Since(begun))
	defer func() {
		if err := c.Close(); err != nil {
			s.log.Warn("checkpoint cannot be removed before the next start", "dir", c.Dir, "err", err)
		}
		s.log.Info("checkpoint removed", "dir", c.Dir, "held", time.Since(begun))
	}()
	at, err := s.below(c.Dir)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, lease{at})
	_ = http.NewResponseController(w).Flush() // it fails if nobody is there, which is seen next
	<-r.Context().Done()
	return nil
}

// below returns the name of a directory relative to the store's: the client may know
// that by another name.
func (s *Server) below(dir string) (string, error) {
	top, err := filepath.Abs(s.dir)
	if err != nil {
		return "", err
	}
	return filepath.Rel(top, dir)
}

// lease says where a checkpoint is, relative to the store's directory.
type lease struct {
	Dir string `json:"dir"`
}

func (s *Server) plan(_ context.Context, o Order) ([]Purged, error) {
	plan, err := s.store.PlanPurge(o.Topic, o.Partition, o.Before)
	list := make([]Purged, len(plan))
	for i, p := range plan {
		list[i] = Purged(p)
	}
	return list, err
}

// purge deletes, and returns when it is done here. Deleting is writing: on a full disk
// it would wait, and be done when nobody expects it any more.
func (s *Server) purge(ctx context.Context, d Deletion) (struct{}, error) {
	if s.store.Stats().DiskFull {
		return struct{}{}, failf(http.StatusServiceUnavailable, "the disk is full, and deleting wants some room first")
	}
	results := make(chan error, len(d.Partitions))
	for _, p := range d.Partitions {
		s.store.PurgeFunc(d.Topic, p.Partition, p.Below, func(err error) { results <- err })
	}
	var errs []error
	for range d.Partitions {
		select {
		case err := <-results:
			errs = append(errs, err)
		case <-s.store.Failed():
			return struct{}{}, errors.New("the store has stopped")
		case <-ctx.Done():
			return struct{}{}, ctx.Err()
		}
	}
	return struct{}{}, errors.Join(errs...)
}
