package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streamPending is how many publications may lack their acknowledgements.
const streamPending = 4096

// jetStream is NATS with a stream in files. By default it syncs every two
// minutes, so that an acknowledgement does not mean what beck's does; always
// has it sync before each.
func jetStream(always bool) system {
	s := system{
		name: "JetStream", modes: []string{store, replay},
		note: "stream in files; default sync_interval, 2 minutes: acknowledged before it is synced; 4,096 publications under way",
	}
	if always {
		s.name, s.modes, s.share = "JetStream, synced", []string{store}, 0.02
		s.note = "stream in files, sync_interval always: acknowledged when synced; 4,096 publications under way; a fiftieth of the records"
	}
	s.run = func(ctx context.Context, w work) (*workload.Report, error) {
		p := plan{
			server: &role{Kind: "nats-server", Sync: always},
			send:   role{Kind: "jetstream-send"}, receive: role{Kind: "jetstream-read"},
		}
		return p.carry(ctx, w)
	}
	return s
}

func jetStreamSend(r role, w *procs.Worker) error {
	nc, err := natsConnect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	var failed error // set by the client's goroutine, read when all is over
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(streamPending),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			failed = errors.Join(failed, err)
		}))
	if err != nil {
		return err
	}
	if _, err := js.CreateStream(w.Context(), jetstream.StreamConfig{
		Name: natsSubject, Subjects: []string{natsSubject}, Storage: jetstream.FileStorage,
	}); err != nil {
		return err
	}
	s := newSource(r, w)
	if err := s.start(); err != nil {
		return err
	}
	// The client keeps a message until it is acknowledged.
	ring := make([][]byte, 2*streamPending)
	for i := range ring {
		ring[i] = make([]byte, r.Shape.Size)
	}
	err = s.each(func(seq uint64, value []byte) error {
		own := ring[seq%uint64(len(ring))]
		copy(own, value)
		_, err := js.PublishAsync(natsSubject, own, jetstream.WithStallWait(patience))
		return err
	})
	if err != nil {
		return err
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(patience):
		return fmt.Errorf("%d publications are not acknowledged", js.PublishAsyncPending())
	}
	if failed != nil {
		return failed
	}
	return s.done()
}

func jetStreamRead(r role, w *procs.Worker) error {
	nc, err := natsConnect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	c, err := js.OrderedConsumer(w.Context(), natsSubject, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	s := newSink(r, w)
	if err := w.Ready(ready{}); err != nil {
		return err
	}
	ended := make(chan error, 1)
	over := false
	reading, err := c.Consume(func(m jetstream.Msg) {
		if over {
			return
		}
		last, err := s.take(m.Data())
		if over = last || err != nil; over {
			ended <- err
		}
	}, jetstream.PullMaxMessages(8192))
	if err != nil {
		return err
	}
	defer reading.Stop()
	return s.await(ended)
}
