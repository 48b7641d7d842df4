//go:build unix

package chaos

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testproc"
	"go.uber.org/goleak"
)

// The flags of the run; the defaults are those of the short one.
var (
	recordsFlag  = flag.Uint64("records", 20_000, "records to publish in all")
	overFlag     = flag.Duration("over", 10*time.Second, "how long faults happen, and the records are paced over")
	everyFlag    = flag.Duration("every", 500*time.Millisecond, "time between faults")
	seedFlag     = flag.Uint64("seed", 0, "seed of the schedule; 0 takes a new one")
	networkFlag  = flag.String("network", "", "namespaces or proxies; all there are if it is empty, with -short only proxies")
	durationFlag = flag.Duration("soak", 0, "how long to soak instead; 0 does not")
)

var (
	program string // the beck that was built
	self    string // this binary
)

func TestMain(m *testing.M) {
	if text, child := os.LookupEnv(childVariable); child {
		os.Exit(runChild(text))
	}
	flag.Parse()
	var err error
	if self, err = os.Executable(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(testproc.Program{Tests: m, Path: &program, Flags: buildFlags()})
}
