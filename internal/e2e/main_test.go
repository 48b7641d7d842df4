//go:build unix

package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testproc"
	"go.uber.org/goleak"
)

var fullFlag = flag.Bool("full", os.Getenv("BECK_FULL") != "", "use the full figures (minutes; also BECK_FULL=1)")

// program is what is tested: the path of the beck that was built.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "beck-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "beck")
		err = testproc.Build(program)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: left behind:", err)
			return 1
		}
	}
	return code
}

// scaled returns full with -full, else small.
func scaled[T any](small, full T) T {
	if *fullFlag {
		return full
	}
	return small
}

// limit is how long a test waits for what must happen, where the promise has no
// time of its own.
func limit() time.Duration { return scaled(60*time.Second, 5*time.Minute) }

// eventually polls a condition.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}
