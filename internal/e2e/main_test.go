//go:build unix

package e2e

import (
	"flag"
	"os"
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
	goleak.VerifyTestMain(testproc.Program{Tests: m, Path: &program})
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
