//go:build unix

package mesh

import (
	"net"
	"syscall"
)

// noWait writes to a connection without waiting. It keeps what a write needs, so
// that one costs no memory.
type noWait struct {
	try   tryWriter       // nil unless the connection can do it itself
	raw   syscall.RawConn // nil if it has no file descriptor
	write func(fd uintptr) bool
	b     []byte
	n     int
	err   error
}

func newNoWait(c net.Conn) *noWait {
	w := new(noWait)
	w.try, _ = c.(tryWriter)
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw = raw
		}
	}
	w.write = func(fd uintptr) bool {
		w.n, w.err = syscall.Write(int(fd), w.b)
		return true
	}
	return w
}

// Write writes what the socket takes at once, and returns how much it was.
func (w *noWait) Write(b []byte) (n int, err error) {
	switch {
	case w.try != nil:
		return w.try.TryWrite(b)
	case w.raw == nil:
		return 0, nil
	}
	w.b, w.n, w.err = b, 0, nil
	err = w.raw.Write(w.write)
	w.b = nil
	if err == nil && w.err != syscall.EAGAIN && w.err != syscall.EINTR {
		err = w.err
	}
	return max(w.n, 0), err
}
