package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/beckmesh/beck/internal/workload"
)

// beckSystem is beck as users run it.
func beckSystem(program string) system {
	return system{
		name: "beck", modes: []string{direct, store, replay, fanout, latency, join},
		note: "`beck bench`, built from this tree; a store acknowledges what it has synced",
		run: func(ctx context.Context, w work) (*workload.Report, error) {
			args := []string{"--size", strconv.Itoa(w.size)}
			if w.count > 0 {
				args = append(args, "--count", strconv.FormatUint(w.count, 10))
			}
			if w.mode == latency {
				args = append(args, "--rate", strconv.Itoa(w.rate))
			}
			if w.mode == fanout {
				args = append(args, "--consumers", strconv.Itoa(w.consumers))
			}
			if w.mode == store || w.mode == replay {
				args = append(args, "--data", w.dir+"/store")
			}
			return runBeck(ctx, program, w.mode, args...)
		},
	}
}

// runBeck runs `beck bench mode args...` and returns what it reports.
func runBeck(ctx context.Context, program, mode string, args ...string) (*workload.Report, error) {
	cmd := exec.CommandContext(ctx, program, append([]string{"bench", mode, "--json", "--no-progress"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it has children to stop
	cmd.WaitDelay = 15 * time.Second
	var problem strings.Builder
	cmd.Stderr = &problem
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.TrimSpace(problem.String()), err)
	}
	var r workload.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("beck bench %s printed %.100q: %w", mode, text, err)
	}
	return &r, nil
}
