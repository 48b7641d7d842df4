//go:build unix

package procs

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes this test program its own child: with "child" as its first
// argument, it is one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "child" {
		os.Exit(child(os.Args[2]))
	}
	goleak.VerifyTestMain(m)
}
