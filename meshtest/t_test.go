package meshtest_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"
)

// fakeT is the testing.T of a test within a test, and of the examples, which
// have none.
type fakeT struct {
	testing.TB
	failed   string
	cleanups []func()
	ctx      context.Context
	cancel   context.CancelFunc
}

func newT() *fakeT {
	t := new(fakeT)
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// run runs a test until its end, or until it fails for good.
func (t *fakeT) run(test func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.end()
		test()
	}()
	<-done
}

func (t *fakeT) end() {
	t.cancel()
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

func (t *fakeT) Helper()                  {}
func (t *fakeT) Context() context.Context { return t.ctx }
func (t *fakeT) Output() io.Writer        { return io.Discard }
func (t *fakeT) Cleanup(f func())         { t.cleanups = append(t.cleanups, f) }

func (t *fakeT) TempDir() string {
	dir, err := os.MkdirTemp("", "meshtest")
	if err != nil {
		panic(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (t *fakeT) Errorf(format string, args ...any) { t.failed += fmt.Sprintf(format, args...) }
func (t *fakeT) Fatal(args ...any)                 { t.Fatalf("%s", fmt.Sprint(args...)) }
func (t *fakeT) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}
