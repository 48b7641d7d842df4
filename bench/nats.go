package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	natsSubject = "bench"
	natsPayload = 16 << 20         // largest record
	natsStart   = 10 * time.Second // for the server
)

// natsCore is NATS without a store: a server between publisher and subscribers.
func natsCore() system {
	return system{
		name: "NATS core", modes: []string{direct, fanout, latency},
		note: "nats-server " + server.VERSION + " and nats.go " + nats.Version + "; publisher held back as beck's producer is, so that nothing is dropped",
		run: func(ctx context.Context, w work) (*workload.Report, error) {
			p := plan{
				server: &role{Kind: "nats-server"},
				send:   role{Kind: "nats-send"}, receive: role{Kind: "nats-receive"},
			}
			return p.carry(ctx, w)
		},
	}
}

// natsServer runs a server, with JetStream if it has a directory.
func natsServer(r role, w *procs.Worker) error {
	s, err := server.NewServer(&server.Options{
		ServerName: "bench", Host: "127.0.0.1", Port: server.RANDOM_PORT,
		NoLog: true, NoSigs: true, MaxPayload: natsPayload,
		JetStream: r.Dir != "", StoreDir: r.Dir, SyncAlways: r.Sync,
	})
	if err != nil {
		return err
	}
	s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(natsStart) {
		return errors.New("the server does not start")
	}
	return serve(w, s.ClientURL())
}

func natsConnect(r role) (*nats.Conn, error) {
	nc, err := nats.Connect(r.Addrs[0], nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", r.Addrs[0], err)
	}
	return nc, nil
}

func natsSend(r role, w *procs.Worker) error {
	nc, err := natsConnect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	s := newSource(r, w)
	if err := s.start(); err != nil {
		return err
	}
	if err := s.each(func(_ uint64, value []byte) error { return nc.Publish(natsSubject, value) }); err != nil {
		return err
	}
	if err := nc.FlushTimeout(patience); err != nil {
		return err
	}
	return s.done()
}

func natsReceive(r role, w *procs.Worker) error {
	nc, err := natsConnect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	s := newSink(r, w)
	ended := make(chan error, 1)
	over := false
	sub, err := nc.Subscribe(natsSubject, func(m *nats.Msg) {
		if over {
			return
		}
		last, err := s.take(m.Data)
		if over = last || err != nil; over {
			ended <- err
		}
	})
	if err != nil {
		return err
	}
	if err := errors.Join(sub.SetPendingLimits(-1, -1), nc.Flush()); err != nil {
		return err
	}
	if err := w.Ready(ready{}); err != nil {
		return err
	}
	return s.await(ended)
}
