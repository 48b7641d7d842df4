package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

const (
	redisProgram  = "redis-server"
	redisClients  = 8
	redisPipeline = 256 // commands that a client has under way
	redisRange    = 1000
)

// redisStreams is a stream in Redis, synced to its append-only file before each
// reply.
func redisStreams() system {
	return system{
		name: "Redis Streams", modes: []string{store, replay},
		note: "redis-server, appendfsync always; 8 clients in one process, 256 commands deep, a stream each",
		missing: func() string {
			if _, err := exec.LookPath(redisProgram); err != nil {
				return redisProgram + " is not on PATH"
			}
			return ""
		},
		run: func(ctx context.Context, w work) (*workload.Report, error) {
			addr, err := freeAddr()
			if err != nil {
				return nil, err
			}
			_, port, _ := net.SplitHostPort(addr)
			p := plan{
				server: &role{Kind: "program", Await: addr, Other: []string{
					redisProgram, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", w.dir,
					"--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0",
					"--loglevel", "warning",
				}},
				send: role{Kind: "redis-send"}, receive: role{Kind: "redis-read"},
			}
			return p.carry(ctx, w)
		},
	}
}

// freeAddr returns an address of this machine that nobody listens on now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// redisStream names the stream of a client, which gets every eighth record.
func redisStream(client int) []byte { return fmt.Appendf(nil, "bench-%d", client) }

func redisSend(r role, w *procs.Worker) error {
	var conns []*respConn
	for range redisClients {
		c, err := respDial(r.Addrs[0])
		if err != nil {
			return err
		}
		defer c.Close()
		conns = append(conns, c)
	}
	s := newSource(r, w)
	if err := s.start(); err != nil {
		return err
	}
	s.begin = time.Now()
	failed := make([]error, redisClients)
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() { failed[i] = redisFeed(c, r, s.payloads, i) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	return s.done()
}

// redisFeed sends the records of one client in bundles of a pipeline's depth.
func redisFeed(c *respConn, r role, payloads *workload.Payloads, client int) error {
	stream, value := redisStream(client), make([]byte, r.Shape.Size)
	xadd, star, field := []byte("XADD"), []byte("*"), []byte("v")
	for seq := uint64(client); seq < r.Shape.Count; {
		n := 0
		for ; n < redisPipeline && seq < r.Shape.Count; seq += redisClients {
			payloads.Fill(value, 0, seq)
			c.send(xadd, stream, star, field, value)
			n++
		}
		if err := c.out.Flush(); err != nil {
			return err
		}
		for range n {
			if err := c.skip(); err != nil {
				return err
			}
		}
	}
	return nil
}

// redisRead reads the streams in turn, a range of each, so that the records
// come in the order in which they were made.
func redisRead(r role, w *procs.Worker) error {
	c, err := respDial(r.Addrs[0])
	if err != nil {
		return err
	}
	defer c.Close()
	s := newSink(r, w)
	if err := w.Ready(ready{}); err != nil {
		return err
	}
	var streams [redisClients]redisCursor
	for i := range streams {
		streams[i] = redisCursor{conn: c, name: redisStream(i), next: []byte("-")}
	}
	for i := 0; ; i = (i + 1) % redisClients {
		value, err := streams[i].take()
		if err != nil {
			return errors.Join(err, s.checker.Missing())
		}
		last, err := s.take(value)
		if err != nil {
			return err
		}
		if last {
			return s.done()
		}
	}
}

// redisCursor reads one stream, a range at a time.
type redisCursor struct {
	conn   *respConn
	name   []byte
	next   []byte   // where the next range begins
	values [][]byte // of this range, whose memory is reused
	at     int
}

// errStreamEnd says that a stream has no more records.
var errStreamEnd = errors.New("the stream has ended")

func (c *redisCursor) take() ([]byte, error) {
	if c.at == len(c.values) {
		if err := c.fetch(); err != nil {
			return nil, err
		}
	}
	c.at++
	return c.values[c.at-1], nil
}

// fetch reads the next range: entries of an id and an array of field and value.
func (c *redisCursor) fetch() error {
	c.conn.send([]byte("XRANGE"), c.name, c.next, []byte("+"), []byte("COUNT"), fmt.Appendf(nil, "%d", redisRange))
	if err := c.conn.out.Flush(); err != nil {
		return err
	}
	n, err := c.conn.array()
	if err != nil {
		return err
	}
	if n == 0 {
		return errStreamEnd
	}
	for len(c.values) < n {
		c.values = append(c.values, nil)
	}
	c.values, c.at = c.values[:n], 0
	var id []byte
	for i := range n {
		if id, c.values[i], err = c.entry(id, c.values[i]); err != nil {
			return err
		}
	}
	c.next = append(append(c.next[:0], '('), id...)
	return nil
}

// entry reads one entry into the given memory.
func (c *redisCursor) entry(id, value []byte) (gotID, gotValue []byte, err error) {
	if _, err := c.conn.array(); err != nil {
		return nil, nil, err
	}
	if id, err = c.conn.bulk(id); err != nil {
		return nil, nil, err
	}
	if _, err := c.conn.array(); err != nil {
		return nil, nil, err
	}
	if err := c.conn.skip(); err != nil { // the field's name
		return nil, nil, err
	}
	value, err = c.conn.bulk(value)
	return id, value, err
}
