package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// respConn speaks the protocol of Redis, RESP2, as far as is needed here: a
// pipeline of commands, and replies one after the other. It is thin, so that
// the server is measured and not its client.
type respConn struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer
}

// errRedis is an error that the server replied.
var errRedis = errors.New("redis")

const respBuffer = 256 << 10

func respDial(addr string) (*respConn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &respConn{Conn: c, in: bufio.NewReaderSize(c, respBuffer), out: bufio.NewWriterSize(c, respBuffer)}, nil
}

// send puts a command into the pipeline. The writer keeps its first error.
func (c *respConn) send(args ...[]byte) {
	c.header('*', len(args))
	for _, a := range args {
		c.header('$', len(a))
		_, _ = c.out.Write(a)
		_, _ = c.out.WriteString("\r\n")
	}
}

func (c *respConn) header(kind byte, n int) {
	var text [24]byte
	b := strconv.AppendInt(append(text[:0], kind), int64(n), 10)
	_, _ = c.out.Write(append(b, '\r', '\n'))
}

// line reads the first line of a reply: its kind, and what follows.
func (c *respConn) line() (kind byte, rest []byte, err error) {
	text, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(text) < 3 {
		return 0, nil, fmt.Errorf("%w: reply %q", errRedis, text)
	}
	if text[0] == '-' {
		return 0, nil, fmt.Errorf("%w: %s", errRedis, text[1:len(text)-2])
	}
	return text[0], text[1 : len(text)-2], nil
}

// skip reads a whole reply that is of no interest but for an error.
func (c *respConn) skip() error {
	kind, rest, err := c.line()
	if err != nil {
		return err
	}
	switch kind {
	case '$':
		n, err := strconv.Atoi(string(rest))
		if err != nil || n < 0 {
			return err
		}
		_, err = c.in.Discard(n + 2)
		return err
	case '*':
		n, err := strconv.Atoi(string(rest))
		for i := 0; err == nil && i < n; i++ {
			err = c.skip()
		}
		return err
	}
	return nil
}

// array reads the head of a reply that is an array, and returns its length.
func (c *respConn) array() (int, error) {
	kind, rest, err := c.line()
	if err != nil {
		return 0, err
	}
	if kind != '*' {
		return 0, fmt.Errorf("%w: %q where an array was due", errRedis, kind)
	}
	return strconv.Atoi(string(rest))
}

// bulk reads a reply that is a string into buf, grown if it must be.
func (c *respConn) bulk(buf []byte) ([]byte, error) {
	kind, rest, err := c.line()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(string(rest))
	if kind != '$' || err != nil || n < 0 {
		return nil, fmt.Errorf("%w: %q where a string was due", errRedis, kind)
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(c.in, buf); err != nil {
		return nil, err
	}
	_, err = c.in.Discard(2)
	return buf, err
}
