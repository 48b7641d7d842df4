package main

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain makes this test program the one that roles run in.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == roleCommand {
		os.Exit(runRole(context.Background(), os.Args[2]))
	}
	goleak.VerifyTestMain(m)
}
