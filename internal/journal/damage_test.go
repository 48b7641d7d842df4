package journal

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/home"
	"github.com/beckmesh/beck/internal/testdisk"
)

// full makes tests run as often as docs/testing.md says.
var full = flag.Bool("full", os.Getenv("BECK_FULL") != "", "run the thorough tests in full (also BECK_FULL=1)")

// TestDamagedDirectories truncates, flips, overwrites and cuts pieces out of
// every kind of file that a journal keeps. Opening it is refused with the name
// of the file, or what is replayed is right; only the end of the newest file may
// be missing.
func TestDamagedDirectories(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	var whole, cut, refused int
	for n := range testdisk.Damages(*full) {
		closed := n%2 == 0
		content := segments(t, closed)
		list := names(content)
		newest := list[len(list)-1]
		content[home.LockName] = nil
		content[tempName] = slices.Clone(content[newest][:100])
		name := []string{list[rng.IntN(len(list))], newest, newest, home.LockName, tempName}[n/2%5]
		raw, what := testdisk.Damage(rng, content[name])
		what = fmt.Sprintf("%d: closed %v, %s %s", n, closed, name, what)
		watchdog := time.AfterFunc(time.Minute, func() { panic(what + ": hangs") })
		before := confirmed(t, content)
		opened, next := damage(t, content, name, raw)
		watchdog.Stop()
		switch {
		case !opened:
			refused++
		case next == before:
			whole++
		case next < before && name == newest:
			cut++
		default:
			t.Errorf("%s: alpha is up to %d, was up to %d", what, next, before)
		}
	}
	t.Logf("%d damaged directories: %d opened whole, %d with their end missing, %d refused", testdisk.Damages(*full), whole, cut, refused)
	if whole == 0 || cut == 0 || refused == 0 {
		t.Error("one of these never happened")
	}
}

// confirmed returns the head of alpha before the damage.
func confirmed(t *testing.T, content map[string][]byte) uint64 {
	t.Helper()
	j := openJournal(t, dir, small(withFiles(t, content)))
	next := state(j)["alpha"].Next
	must(t, j.Close())
	return next
}
