//go:build unix

package mesh

import (
	"net"
	"syscall"
)

// tryWrite writes what the socket takes at once, and returns how much it was.
func tryWrite(c net.Conn, b []byte) (n int, err error) {
	if t, ok := c.(tryWriter); ok {
		return t.TryWrite(b)
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0, nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, err
	}
	rawErr := raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), b)
		return true
	})
	if rawErr != nil {
		return 0, rawErr
	}
	if err == syscall.EAGAIN || err == syscall.EINTR {
		err = nil
	}
	return max(n, 0), err
}
