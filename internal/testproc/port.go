package testproc

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// ports numbers the fixed ports of this process: below those that the system
// gives to whoever asks for any, so that nobody takes one between two uses.
var ports atomic.Uint32

const (
	firstPort = 10_000
	lastPort  = 30_000
)

// FreePort returns "127.0.0.1:port" of a port that nobody listens on, and that
// the system gives to nobody.
func FreePort() (string, error) {
	for range lastPort - firstPort {
		n := uint32(os.Getpid())*64 + ports.Add(1)
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+n%(lastPort-firstPort))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr, nil
		}
	}
	return "", errors.New("no free port")
}
