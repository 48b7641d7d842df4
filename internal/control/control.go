// Package control is how a command asks a store that runs on the same machine for
// what only that store can do: a checkpoint of its directory, and a purge.
//
// The store listens on a Unix socket in its directory, control/socket, in a
// directory that only its user may enter: whoever could read and write the store's
// files anyway may ask, and nobody else, neither on the machine nor on the network.
// What is spoken there is HTTP with JSON:
//
//	POST /v1/checkpoint     {"dir": "checkpoints/1"}; it is there as long as the
//	                        connection is
//	POST /v1/purge/plan     [Order] -> [][Purged]
//	POST /v1/purge          [Deletion] -> {}
//	POST /v1/purge/stores   [Deletion] -> [][Holder]
//
// Errors are {"error": "..."}.
package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const (
	dirName    = "control"
	socketName = "socket"
	// longestPath is the longest name of a socket that all systems take.
	longestPath = 100
	// maxBody bounds a request: a purge of some 100,000 partitions.
	maxBody = 16 << 20
	// MostCheckpoints is how many checkpoints are held at the same time.
	MostCheckpoints = 4
)

var (
	// ErrNobody: the directory is in use, but nobody answers at its socket. It is no
	// store of `beck store` or `beck up` that uses it, or one that could not listen.
	ErrNobody = errors.New("nobody answers at its socket")
	// ErrGone: the store ended the connection, and the checkpoint went with it.
	ErrGone = errors.New("the store stopped meanwhile")
)

// Order says what is to be deleted.
type Order struct {
	Topic     string `json:"topic"`
	Partition string `json:"partition,omitempty"` // address of one producer; empty: all
	Before    uint64 `json:"before"`              // the lowest offset that stays; what is beyond a head means all there are now
}

// Purged is what is deleted of a partition.
type Purged struct {
	Partition string `json:"partition"`
	Below     uint64 `json:"below"`   // offsets below it
	Records   uint64 `json:"records"` // so many are held
}

// Deletion is a plan to be carried out as it was shown.
type Deletion struct {
	Topic      string   `json:"topic"`
	Partitions []Purged `json:"partitions"`
}

// Holder is a store, and how far a deletion has come to it.
type Holder struct {
	Address string `json:"address"`
	Left    int    `json:"left"`             // partitions of which it has records that are to go
	Silent  bool   `json:"silent,omitempty"` // it does not answer
}

// address returns what the socket below a store's directory is reached by, which is
// good until done is called. The system's limit for it is short; where it is
// exceeded, Linux has another way to it.
func address(dir string) (name string, done func(), err error) {
	name = filepath.Join(dir, dirName, socketName)
	if len(name) <= longestPath {
		return name, func() {}, nil
	}
	if runtime.GOOS != "linux" {
		return "", nil, fmt.Errorf("%q: a socket's name has at most %d bytes here, this one %d", name, longestPath, len(name))
	}
	above, err := os.Open(filepath.Join(dir, dirName))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", above.Fd(), socketName), func() { _ = above.Close() }, nil
}
