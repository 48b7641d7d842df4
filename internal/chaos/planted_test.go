//go:build unix && planted

package chaos

import (
	"fmt"

	"github.com/beckmesh/beck/internal/planted"
)

// buildFlags plants the defect of this binary, if it has one, in the program,
// too.
func buildFlags() []string {
	for _, bug := range planted.All {
		if planted.Is(bug) {
			return []string{"-tags", "planted", "-ldflags", fmt.Sprintf("-X github.com/beckmesh/beck/internal/planted.chosen=%s", bug)}
		}
	}
	return nil
}
