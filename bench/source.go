package main

import (
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// source makes the records of a sender, one after the other.
type source struct {
	role     role
	worker   *procs.Worker
	payloads *workload.Payloads
	value    []byte
	credit   uint64
	begin    time.Time
}

func newSource(r role, w *procs.Worker) *source {
	return &source{role: r, worker: w, payloads: workload.NewPayloads(r.Shape), value: make([]byte, r.Shape.Size)}
}

// start says that the sender is ready, and waits for the word to go.
func (s *source) start() error {
	if err := s.worker.Ready(ready{}); err != nil {
		return err
	}
	return s.worker.AwaitGo()
}

// each gives every record to send, in order, as it becomes due. The value is
// overwritten by the next one.
func (s *source) each(send func(seq uint64, value []byte) error) error {
	var pacer *workload.Pacer
	if s.role.Rate > 0 {
		pacer = workload.NewPacer(s.role.Rate)
	}
	s.begin = time.Now()
	for seq := range s.role.Shape.Count {
		if err := s.mayGo(seq); err != nil {
			return err
		}
		if pacer != nil {
			pacer.Wait()
		}
		s.payloads.Fill(s.value, 0, seq)
		if s.role.Shape.Timed {
			workload.SetTime(s.value, time.Now())
		}
		if err := send(seq, s.value); err != nil {
			return err
		}
	}
	return nil
}

// mayGo waits until a record may be sent.
func (s *source) mayGo(seq uint64) (err error) {
	if s.role.Free {
		if seq%1024 == 0 && s.worker.Context().Err() != nil {
			return procs.ErrParent
		}
		return nil
	}
	if seq >= s.credit {
		s.credit, err = s.worker.AwaitCredit(seq)
	}
	return err
}

// done tells when sending began, and that it has ended now.
func (s *source) done() error {
	return s.worker.Done(times{Begin: s.begin.UnixNano(), End: time.Now().UnixNano()})
}

// progressEvery is how often a count is told: the sender's credit follows it.
const progressEvery = 5 * time.Millisecond

// follow tells a count while it grows, until stop is called.
func follow(w *procs.Worker, count *atomic.Uint64) (stop func()) {
	return w.Follow(progressEvery, count.Load)
}
