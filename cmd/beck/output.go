package main

import (
	"context"
	"io"
	"time"
)

const stuckOutput = time.Second // how long an interrupted command waits for its reader

// printing returns what print does, which writes to out and returns ctx's error soon
// after ctx ends. It does not wait for that where nobody takes the output any more:
// where its reader has gone it returns nil, and ctx's error a second after ctx ended.
func printing(ctx context.Context, out io.Writer, print func() error) error {
	done := make(chan error, 1)
	go func() { done <- print() }()
	select {
	case err := <-done:
		return err
	case <-readerGone(ctx, out):
		return nil
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(stuckOutput):
		return ctx.Err()
	}
}
