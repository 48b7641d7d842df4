//go:build unix

package chaos

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
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "beck-chaos-program-")
	if err == nil {
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "beck")
		err = testproc.Build(program, buildFlags()...)
	}
	if err == nil {
		self, err = os.Executable()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "chaos: left behind:", err)
			return 1
		}
	}
	return code
}
