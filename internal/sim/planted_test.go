//go:build planted

package sim

import (
	"fmt"
	"testing"

	"github.com/beckmesh/beck/internal/planted"
)

// maxPlantedSeeds is how many histories a planted bug may survive.
const maxPlantedSeeds = 1000

// TestPlanted runs histories until one shows the bug that was built in.
func TestPlanted(t *testing.T) {
	for _, bug := range planted.All {
		if !planted.Is(bug) {
			continue
		}
		for seed := int64(1); seed <= maxPlantedSeeds; seed++ {
			if w := Run(seed, false); w.failed != nil {
				fmt.Printf("| %s | %d | %.100s |\n", bug, seed, firstLine(w.failed.Error()))
				return
			}
		}
		t.Fatalf("%s was not found in %d histories", bug, maxPlantedSeeds)
	}
	t.Fatal("no bug was built in: set internal/planted.chosen")
}
