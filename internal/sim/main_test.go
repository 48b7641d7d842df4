package sim

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets the heap grow more between collections than is usual: histories
// leave much behind and keep little.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(m.Run())
}
