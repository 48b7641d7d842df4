//go:build unix

package main

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// readerPoll is how long one look at the output lasts.
const readerPoll = 200 * time.Millisecond

// readerGone returns a channel that is closed when whoever read our output has
// gone: a pipe whose other end is closed. Without it a consumer that has
// nothing to write would stay for ever. It looks until ctx ends.
func readerGone(ctx context.Context, out io.Writer) <-chan struct{} {
	gone := make(chan struct{})
	f, ok := out.(*os.File)
	if !ok {
		return gone
	}
	go func() {
		for ctx.Err() == nil {
			look := []unix.PollFd{{Fd: int32(f.Fd())}} // errors are reported without being asked for
			if n, err := unix.Poll(look, int(readerPoll.Milliseconds())); n > 0 && err == nil {
				close(gone)
				return
			}
		}
	}()
	return gone
}
