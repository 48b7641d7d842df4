//go:build unix

package procs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// child is what a child of these tests does.
func child(what string) int {
	return Run(context.Background(), os.Stdin, os.Stdout, func(w *Worker) error {
		switch what {
		case "early":
			return nil
		case "stderr":
			fmt.Fprintln(os.Stderr, "first line\nlast line")
			os.Exit(3)
		case "deaf":
			select {} // does not look whether it is to leave
		}
		if err := w.Ready(os.Getpid()); err != nil {
			return err
		}
		if err := w.AwaitGo(); err != nil {
			return err
		}
		if what == "fail" {
			return errors.New("the reason")
		}
		var n uint64
		defer w.Follow(time.Millisecond, func() uint64 { return n })()
		for n < 10 {
			credit, err := w.AwaitCredit(n)
			if err != nil {
				return err
			}
			n = credit
		}
		burn(50 * time.Millisecond)
		return w.Done(n)
	})
}

// burn takes so much processor time.
func burn(d time.Duration) {
	for until := cpuTime() + d; cpuTime() < until; {
	}
}

func start(t *testing.T, g *Group, what string, progress func(uint64)) *Process {
	t.Helper()
	p, err := g.Start(what, progress, os.Args[0], "child", what)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newGroup(t *testing.T) *Group {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	g := NewGroup(ctx)
	t.Cleanup(g.Close)
	return g
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gone reports whether no process with this id runs.
func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	return err != nil || !alive(p)
}

func TestConversation(t *testing.T) {
	g := newGroup(t)
	reached := make(chan uint64, 100)
	p := start(t, g, "work", func(n uint64) { reached <- n })
	var pid int
	check(t, p.AwaitReady(&pid))
	p.Go()
	p.Credit(4)
	if n := <-reached; n != 4 {
		t.Errorf("reached %d with a credit of 4", n)
	}
	p.Credit(12)
	var n int
	check(t, p.AwaitDone(&n))
	u, err := p.Usage()
	check(t, err)
	if n != 12 || u.CPUSeconds < 0.05 || u.PeakRSS < 1<<20 {
		t.Errorf("sent %d, used %+v", n, u)
	}
	p.Go()
	if u, err := p.Usage(); err != nil || u.CPUSeconds >= 0.05 {
		t.Errorf("after another go: %+v, %v", u, err)
	}
	g.Close()
	if !gone(pid) {
		t.Error("the child has survived its group")
	}
	if g.Context().Err() == nil {
		t.Error("the group has not ended")
	}
}

func TestFailureEndsTheGroup(t *testing.T) {
	for what, want := range map[string]string{
		"fail": "fail: the reason", "early": "early left early", "stderr": "stderr: last line",
	} {
		t.Run(what, func(t *testing.T) {
			g := newGroup(t)
			other := start(t, g, "work", nil)
			check(t, other.AwaitReady(nil))
			p := start(t, g, what, nil)
			if what == "fail" {
				check(t, p.AwaitReady(nil))
				p.Go()
			}
			err := other.AwaitDone(nil)
			if !errors.Is(err, ErrRole) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if _, err := g.Start("late", nil, os.Args[0]); !errors.Is(err, ErrRole) {
				t.Errorf("a process started in a group that has failed: %v", err)
			}
		})
	}
}

func TestWatchEndsASilentGroup(t *testing.T) {
	g := newGroup(t)
	silent := errors.New("silent")
	defer g.Watch(50*time.Millisecond, func() error { return silent })()
	p := start(t, g, "deaf", nil)
	if err := p.AwaitReady(nil); !errors.Is(err, silent) {
		t.Errorf("got %v", err)
	}
	check(t, p.cmd.Process.Kill()) // spare the test the time of grace
}

// TestOrphanLeaves kills a parent, whose child must notice.
func TestOrphanLeaves(t *testing.T) {
	in, keep, err := os.Pipe()
	check(t, err)
	cmd := exec.Command(os.Args[0], "child", "work")
	cmd.Stdin = in
	var out bytes.Buffer
	cmd.Stdout = &out
	check(t, cmd.Start())
	in.Close()
	keep.Close() // as the end of a process does
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestForeignUsage(t *testing.T) {
	if _, ok := StatusBytes("self", "VmHWM"); !ok {
		t.Skip("no /proc/self/status")
	}
	burn(60 * time.Millisecond)
	u := ForeignUsage(os.Getpid())
	if own := cpuTime().Seconds(); u.CPUSeconds < 0.04 || u.CPUSeconds > own+0.02 || u.PeakRSS < 1<<20 {
		t.Errorf("%+v, but it took %s s", u, strconv.FormatFloat(own, 'f', 3, 64))
	}
}
