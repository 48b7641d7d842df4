package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
	"go.uber.org/goleak"
)

// TestMain makes this test program the one that roles run in.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "role" {
		os.Exit(RunRole(context.Background(), os.Args[2], os.Stdin, os.Stdout, os.Stderr, nil))
	}
	goleak.VerifyTestMain(m)
}

func config(mode Mode, count uint64) Config {
	return Config{
		Mode: mode, Count: count, Size: 100, Producers: 1, Consumers: 1, Topics: 1, Batch: 64, Rate: 1000,
		Listen: "127.0.0.1:0", Patience: 30 * time.Second, Program: os.Args[0], Args: []string{"role"},
	}
}

func mustRun(t *testing.T, c Config) *workload.Report {
	t.Helper()
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", c.Mode, err)
	}
	return r
}

// TestCreditHoldsProducersBack: more records than may be on their way, from
// several producers to several consumers.
func TestCreditHoldsProducersBack(t *testing.T) {
	c := config(Fanout, 200)
	c.Size, c.Producers, c.Consumers, c.Topics = 1<<20, 3, 2, 2
	r := mustRun(t, c)
	if r.RecordsPerSecond <= 0 || r.Seconds <= 0 || r.CPUSeconds["consumer"] <= 0 {
		t.Errorf("%+v", r)
	}
	if want := 400 / r.Seconds; r.RecordsPerSecond != want {
		t.Errorf("%f records/s; all deliveries make %f", r.RecordsPerSecond, want)
	}
}

func TestManyTopicsInStore(t *testing.T) {
	c := config(Replay, 3000)
	c.Topics, c.Producers = 100, 2
	r := mustRun(t, c)
	if r.SecondsFromStart < r.Seconds || r.PeakRSSBytes["store"] <= 0 || r.StoreStartSeconds <= 0 {
		t.Errorf("%+v", r)
	}
}

// TestStoreRefuses: a run fails with the first process that does.
func TestStoreRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "other")
	if err := os.MkdirAll(filepath.Join(dir, "precious"), 0o777); err != nil {
		t.Fatal(err)
	}
	c := config(Store, 10)
	c.Dir = dir
	if _, err := Run(t.Context(), c); !errors.Is(err, procs.ErrRole) {
		t.Errorf("a store in a directory of others: %v", err)
	}
}

func TestLostRecord(t *testing.T) {
	c := config(Replay, 1000)
	c.Lose = new(uint64)
	*c.Lose = 500
	if r, err := Run(t.Context(), c); err == nil {
		t.Errorf("a lost record was not missed: %+v", r)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := config(Join, 1<<20)
	c.Watcher = watcher(func(n uint64) {
		if n > 0 {
			cancel()
		}
	})
	if _, err := Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type watcher func(uint64)

func (w watcher) Phase(string, uint64) {}
func (w watcher) Progress(n uint64)    { w(n) }

// TestScraped reads the metrics of all nodes while records flow.
func TestScraped(t *testing.T) {
	c := config(Fanout, 20_000)
	c.Consumers, c.Scrape = 2, 20*time.Millisecond
	if r := mustRun(t, c); r.Scrapes < 4 || r.Exports != 0 { // a tower, a producer, two consumers
		t.Errorf("metrics were read %d times; spans came %d times", r.Scrapes, r.Exports)
	}
	c.Mode, c.Consumers = Store, 1
	if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) {
		t.Errorf("mode store: %v", err)
	}
}

// TestScrapeFails: a node that does not tell its metrics is an error.
func TestScrapeFails(t *testing.T) {
	w, err := newWatch(Config{Scrape: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	w.urls = []string{"http://127.0.0.1:1"}
	w.begin()
	for err == nil && t.Context().Err() == nil {
		w.mu.Lock()
		err = w.err
		w.mu.Unlock()
		runtime.Gosched()
	}
	if reads, _, err := w.end(); reads == 0 || err == nil {
		t.Errorf("%d reads, %v", reads, err)
	}
}
