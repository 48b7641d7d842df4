//go:build unix

package webtest

import (
	"flag"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testproc"
	"go.uber.org/goleak"
)

var (
	chromiumFlag = flag.String("chromium", "", "`PROGRAM` of the browser, by its name or path (default: one that is found)")
	requiredFlag = flag.Bool("required", false, "fail, and do not skip, where there is no browser")
	shotsFlag    = flag.String("screenshots", "", "write the pictures of the documents into this `DIR`")
	holdFlag     = flag.Duration("hold", 0, "run the large mesh for so long, to look at it by oneself")
)

// program is what is tested: the path of the beck that was built.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(testproc.Program{Tests: m, Path: &program})
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// until polls a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
