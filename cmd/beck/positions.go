package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
)

const (
	saveEvery = 500 * time.Millisecond // how often positions are saved
	lastSave  = 5 * time.Second        // how long the last save may take
)

// saver saves, beside the printing, how far it has come: what was printed a
// moment ago may come again after a crash, what was not comes in any case.
type saver struct {
	consumer *consumer.Consumer
	quit     chan struct{}
	done     sync.WaitGroup

	mu      sync.Mutex
	printed map[beck.Offset]uint64 // by partition: the last offset
}

// newSaver starts to save; with c nil it does nothing.
func newSaver(ctx context.Context, c *consumer.Consumer) *saver {
	s := &saver{consumer: c, quit: make(chan struct{}), printed: make(map[beck.Offset]uint64)}
	if c != nil {
		s.done.Go(func() { s.run(ctx) })
	}
	return s
}

// wrote notes records that are in the output.
func (s *saver) wrote(records []beck.Record) {
	if s.consumer == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range records {
		if r := &records[i]; i+1 == len(records) || records[i+1].Partition != r.Partition {
			s.printed[beck.Offset{Topic: r.Topic, Partition: r.Partition}] = r.Offset
		}
	}
}

// take returns what was printed since the last call.
func (s *saver) take() []beck.Offset {
	s.mu.Lock()
	defer s.mu.Unlock()
	places := make([]beck.Offset, 0, len(s.printed))
	for p, offset := range s.printed {
		p.Offset = offset
		places = append(places, p)
	}
	clear(s.printed)
	return places
}

// save saves what was printed since it last did.
func (s *saver) save(ctx context.Context) error {
	places := s.take()
	if len(places) == 0 {
		return nil // Commit of nothing would mean all that was taken from the consumer
	}
	err := s.consumer.Commit(ctx, places...)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range places {
		q := beck.Offset{Topic: p.Topic, Partition: p.Partition}
		if _, later := s.printed[q]; !later {
			s.printed[q] = p.Offset
		}
	}
	return err
}

func (s *saver) run(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = s.save(ctx) // it is tried again, at the latest at the end
		case <-ctx.Done():
			return
		case <-s.quit:
			return
		}
	}
}

// end saves what is left, and says if that failed.
func (s *saver) end() error {
	if s.consumer == nil {
		return nil
	}
	close(s.quit)
	s.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), lastSave)
	defer cancel()
	if err := s.save(ctx); err != nil {
		return fmt.Errorf("what was printed last is not saved, and will come again: %w", err)
	}
	return nil
}
