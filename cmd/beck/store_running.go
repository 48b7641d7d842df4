package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/control"
	"github.com/beckmesh/beck/store"
)

// runningStore is a store that commands on its machine can ask.
type runningStore struct {
	*store.Store
	control *control.Server // nil where there can be no socket
}

// Close ends what commands asked for, and the store. The socket goes while the
// directory is still locked: another store may have it right after.
func (s runningStore) Close() error { return errors.Join(s.control.Close(), s.Store.Close()) }

// startStore starts a store, and listens for commands in its directory.
func startStore(errOut io.Writer, node beck.NodeConfig, keep *storeFlags) (runningStore, error) {
	c := store.DefaultConfig()
	c.NodeConfig = node
	c.OnFull = func(full bool) {
		if full {
			fmt.Fprintf(errOut, "beck: the disk of %s is full: nothing is acknowledged until there is room; reading goes on\n", keep.dir)
		} else {
			fmt.Fprintf(errOut, "beck: there is room on the disk of %s again: the store acknowledges again\n", keep.dir)
		}
	}
	c.Dir, c.Retain = keep.dir, keep.retain
	s, err := store.Start(c)
	if errors.Is(err, beck.ErrConfig) {
		err = usageError{err}
	}
	if err != nil {
		return runningStore{}, err
	}
	socket, err := control.Serve(keep.dir, s, nearby(node))
	if err != nil { // it can do what it is there for
		fmt.Fprintf(errOut, "beck: backup, verify, stats and purge of %s want the store to be stopped: %v\n", keep.dir, err)
	}
	return runningStore{s, socket}, nil
}
