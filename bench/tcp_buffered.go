package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/beckmesh/beck/internal/procs"
)

// bufferedBytes is the size of the buffers on both sides.
const bufferedBytes = 64 << 10

// tcpBuffered is the loop as most would write it: buffered writes of a length and
// a value, buffered reads of them into memory that is used again.
func tcpBuffered() system {
	return system{
		name: "TCP loop, bufio", modes: []string{direct},
		note: "the same with bufio.Writer and bufio.Reader of 64 KiB, a call for each length and each value",
		run:  plan{send: role{Kind: "tcp-send-buffered"}, receive: role{Kind: "tcp-receive-buffered"}}.carry,
	}
}

func tcpSendBuffered(r role, w *procs.Worker) error {
	conns, err := dialAll(r.Addrs)
	defer closeAll(conns)
	if err != nil {
		return err
	}
	s, err := newFreeSource(r, w)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(conns[0], bufferedBytes)
	var length [4]byte
	err = s.each(func(_ uint64, value []byte) error {
		binary.BigEndian.PutUint32(length[:], uint32(len(value)))
		if _, err := out.Write(length[:]); err != nil {
			return err
		}
		_, err := out.Write(value)
		return err
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	return s.done()
}

func tcpReceiveBuffered(r role, w *procs.Worker) error {
	return receive(r, w, func(c net.Conn, s *sink) error {
		in := bufio.NewReaderSize(c, bufferedBytes)
		value := make([]byte, r.Shape.Size)
		var length [4]byte
		for {
			if _, err := io.ReadFull(in, length[:]); err != nil {
				return fmt.Errorf("reading: %w", ignoreEOF(err))
			}
			n := binary.BigEndian.Uint32(length[:])
			if int(n) > len(value) {
				return fmt.Errorf("a record of %d bytes", n)
			}
			if _, err := io.ReadFull(in, value[:n]); err != nil {
				return fmt.Errorf("reading: %w", ignoreEOF(err))
			}
			if last, err := s.take(value[:n]); err != nil || last {
				return err
			}
		}
	})
}
