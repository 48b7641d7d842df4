package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// role is what one process of a plan does.
type role struct {
	Kind  string         `json:"kind"`
	Shape workload.Shape `json:"shape"`
	Addrs []string       `json:"addrs,omitempty"` // of the server, or of the receivers
	Dir   string         `json:"dir,omitempty"`
	Rate  int            `json:"rate,omitempty"`  // records per second; 0 for as fast as it goes
	Sync  bool           `json:"sync,omitempty"`  // a server syncs every write
	Free  bool           `json:"free,omitempty"`  // a sender needs no credit: what it sends to keeps it back
	Other []string       `json:"other,omitempty"` // another program and its arguments
	Await string         `json:"await,omitempty"` // address that the other program will listen on
}

// ready is what a process says when it is ready.
type ready struct {
	Addr string `json:"addr,omitempty"` // where it listens
}

// times is the result of a sender or receiver, in nanoseconds since the epoch.
type times struct {
	Begin   int64             `json:"begin"`
	End     int64             `json:"end"`
	Latency *workload.Latency `json:"latency,omitempty"`
}

// roles maps a kind to what its process does.
var roles = map[string]func(role, *procs.Worker) error{
	"tcp-send": tcpSend, "tcp-receive": tcpReceive, "tcp-send-buffered": tcpSendBuffered, "tcp-receive-buffered": tcpReceiveBuffered,
	"pebble-write": pebbleWrite, "pebble-read": pebbleRead,
	"nats-server": natsServer, "nats-send": natsSend, "nats-receive": natsReceive,
	"jetstream-send": jetStreamSend, "jetstream-read": jetStreamRead,
	"redis-send": redisSend, "redis-read": redisRead,
	"program": runProgram, "dafka": runDafka,
}

// runRole carries out the role that text describes, and returns the exit
// status.
func runRole(ctx context.Context, text string) int {
	return procs.Run(ctx, os.Stdin, os.Stdout, func(w *procs.Worker) error {
		var r role
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("role %q: %w", text, err)
		}
		run, ok := roles[r.Kind]
		if !ok {
			return fmt.Errorf("there is no role %q", r.Kind)
		}
		return run(r, w)
	})
}

// serve says that a server is ready, and waits until it may go.
func serve(w *procs.Worker, addr string) error {
	if err := w.Ready(ready{Addr: addr}); err != nil {
		return err
	}
	<-w.Context().Done()
	return nil
}
