package meshtest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/beckmesh/beck/store"
)

// Option is a setting of New.
type Option func(*settings)

type settings struct {
	stores    int
	dir       string
	ports     bool
	patience  time.Duration
	logger    *slog.Logger
	editStore []func(*store.Config)
}

// defaultPatience is long for a machine that is busy with other tests.
const defaultPatience = 20 * time.Second

// maxStores keeps a slip of the pen from filling a machine.
const maxStores = 64

func (s settings) check(t testing.TB) {
	t.Helper()
	if s.stores < 0 || s.stores > maxStores {
		t.Fatalf("meshtest: Stores(%d): want 0 to %d", s.stores, maxStores)
	}
	if s.patience <= 0 {
		t.Fatalf("meshtest: Patience(%s): want more than 0", s.patience)
	}
}

// Stores sets how many stores the mesh has, 0 to 64. Default 1.
func Stores(n int) Option { return func(s *settings) { s.stores = n } }

// NoStore is Stores(0): nothing is kept but what producers have in memory. The
// producers that the mesh starts then wait for no store.
func NoStore() Option { return Stores(0) }

// Dir puts the stores' directories below path, as store-0, store-1 and so on,
// where they are found again by the next mesh on it. Default: directories that
// go away with the test.
func Dir(path string) Option { return func(s *settings) { s.dir = path } }

// StoreConfig has edit change the settings of each store before it starts, for
// retention and the like.
func StoreConfig(edit func(*store.Config)) Option {
	return func(s *settings) { s.editStore = append(s.editStore, edit) }
}

// OnPorts has the mesh use free ports of 127.0.0.1 instead of links in memory, so
// that programs outside of the process can join it. It cannot be partitioned.
func OnPorts() Option { return func(s *settings) { s.ports = true } }

// Patience is how long the methods that wait do so before they fail the test.
// Default 20 s.
func Patience(d time.Duration) Option { return func(s *settings) { s.patience = d } }

// Logger gets what all nodes have to say. Default: the test's log gets warnings
// and worse.
func Logger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// Verbose writes everything that the nodes have to say to the test's log.
func Verbose(t testing.TB) Option { return Logger(logTo(t, slog.LevelDebug)) }

// logTo returns a logger that writes to the log of a test.
func logTo(t testing.TB, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}
