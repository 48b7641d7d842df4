package main

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

var errClock = errors.New("the clock was set back during the run")

// sink checks what a receiver gets. Its methods are called by one goroutine at
// a time.
type sink struct {
	role    role
	worker  *procs.Worker
	checker *workload.Checker
	delays  workload.Histogram
	begin   time.Time
	count   atomic.Uint64
	taken   uint64
	stop    func()
}

func newSink(r role, w *procs.Worker) *sink {
	s := &sink{role: r, worker: w, checker: workload.NewChecker(workload.NewPayloads(r.Shape))}
	s.stop = follow(w, &s.count)
	return s
}

// countEvery is after how many records the count that others see is brought up
// to date.
const countEvery = 64

// take checks the next record, and returns whether it was the last.
func (s *sink) take(value []byte) (last bool, err error) {
	if s.role.Shape.Timed || s.taken == 0 {
		if err := s.clock(value); err != nil {
			return false, err
		}
	}
	if err := s.checker.Check(value); err != nil {
		return false, err
	}
	s.taken++
	last = s.checker.Left() == 0
	if last || s.taken%countEvery == 0 {
		s.count.Store(s.taken)
	}
	return last, nil
}

// clock notes when a record was there.
func (s *sink) clock(value []byte) error {
	now := time.Now()
	if s.taken == 0 {
		s.begin = now
	}
	if s.role.Shape.Timed && len(value) == s.role.Shape.Size {
		delay := time.Duration(now.UnixNano() - workload.Time(value))
		if delay < 0 {
			return errClock
		}
		s.delays.Add(delay)
	}
	return nil
}

// done tells the result, the last record having been taken just now.
func (s *sink) done() error {
	result := times{Begin: s.begin.UnixNano(), End: time.Now().UnixNano()}
	if s.role.Shape.Timed {
		result.Latency = s.delays.Latency()
	}
	s.stop()
	return s.worker.Done(result)
}

// await waits for the last record, or for what came in between.
func (s *sink) await(ended <-chan error) error {
	select {
	case err := <-ended:
		if err != nil {
			return err
		}
		return s.done()
	case <-s.worker.Context().Done():
		return procs.ErrParent
	}
}
