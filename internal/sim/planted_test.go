//go:build planted

package sim

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/planted"
)

var bug = flag.String("bug", "", "look for this planted defect only")

// maxPlantedSeeds is how many histories a planted defect may survive.
const maxPlantedSeeds = 1000

// TestPlanted runs histories until one shows the defect, for each in turn.
func TestPlanted(t *testing.T) {
	defer planted.Choose("")
	for _, b := range planted.All {
		if *bug != "" && *bug != string(b) {
			continue
		}
		t.Run(string(b), func(t *testing.T) {
			planted.Choose(b)
			began := time.Now()
			w := find()
			if w == nil {
				t.Fatalf("%s was not found in %d histories", b, maxPlantedSeeds)
			}
			fmt.Printf("| `%s` | %d | %.140s | %.1f s\n", b, w.Seed, firstLine(w.failed.Error()), time.Since(began).Seconds())
		})
	}
}

// find returns the first history that fails, nil if none does.
func find() (found *World) {
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := next.Add(1); seed <= maxPlantedSeeds; seed = next.Add(1) {
				if w := Run(seed, false); w.failed != nil {
					mu.Lock()
					defer mu.Unlock()
					if next.Store(maxPlantedSeeds); found == nil || seed < found.Seed {
						found = w
					}
					return
				}
			}
		})
	}
	wg.Wait()
	return found
}
