package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/beckmesh/beck/internal/procs"
)

// tcpSystem is the least that any system does: records with their lengths,
// written to a socket in large pieces, parsed and checked at the other end.
func tcpSystem() system {
	return system{
		name: "TCP loop", modes: []string{direct, fanout, latency},
		note: "a bare loop over loopback: a length before each record, writes of 128 KiB; no protocol, no store",
		run:  plan{send: role{Kind: "tcp-send"}, receive: role{Kind: "tcp-receive"}}.carry,
	}
}

const (
	tcpWrite = 128 << 10 // bytes that are written at once
	tcpRead  = 256 << 10
)

func tcpSend(r role, w *procs.Worker) error {
	conns, err := dialAll(r.Addrs)
	defer closeAll(conns)
	if err != nil {
		return err
	}
	s, err := newFreeSource(r, w)
	if err != nil {
		return err
	}
	buf := make([]byte, 0, tcpWrite+r.Shape.Size+4)
	flush := func() error {
		for _, c := range conns {
			if _, err := c.Write(buf); err != nil {
				return err
			}
		}
		buf = buf[:0]
		return nil
	}
	err = s.each(func(_ uint64, value []byte) error {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(value)))
		buf = append(buf, value...)
		if len(buf) < tcpWrite && r.Rate == 0 {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return err
	}
	return s.done()
}

func tcpReceive(r role, w *procs.Worker) error {
	return receive(r, w, func(c net.Conn, s *sink) error { return tcpTake(c, s, r.Shape.Size) })
}

// receive listens, takes one connection, and everything that it brings.
func receive(r role, w *procs.Worker, take func(net.Conn, *sink) error) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	s := newSink(r, w)
	if err := w.Ready(ready{Addr: l.Addr().String()}); err != nil {
		return err
	}
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := take(c, s); err != nil {
		return err
	}
	return s.done()
}

// dialAll connects to all addresses. On an error it returns the connections that
// it has.
func dialAll(addrs []string) (conns []net.Conn, err error) {
	for _, addr := range addrs {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// newFreeSource returns a source that sockets hold back, begun.
func newFreeSource(r role, w *procs.Worker) (*source, error) {
	r.Free = true
	s := newSource(r, w)
	return s, s.start()
}

// tcpTake reads and checks records until the last.
func tcpTake(c net.Conn, s *sink, size int) error {
	buf := make([]byte, max(tcpRead, 2*(size+4)))
	have := 0
	for {
		n, err := c.Read(buf[have:])
		if err != nil {
			return errors.Join(fmt.Errorf("reading: %w", ignoreEOF(err)), s.checker.Missing())
		}
		have += n
		rest := buf[:have]
		for len(rest) >= 4 {
			n := int(binary.BigEndian.Uint32(rest))
			if n > size {
				return fmt.Errorf("a record of %d bytes", n)
			}
			if len(rest) < 4+n {
				break
			}
			last, err := s.take(rest[4 : 4+n])
			if err != nil || last {
				return err
			}
			rest = rest[4+n:]
		}
		have = copy(buf, rest)
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
