package store

import "github.com/beckmesh/beck/internal/blocklog"

// Checkpoint is what a store had on disk at a time, as a directory of its own that
// no store has open. `beck backup`, `beck store verify` and `beck store stats` take
// its Dir. It must be closed.
type Checkpoint = blocklog.Checkpoint

// Checkpoint makes a checkpoint, in the store's directory and of links to its files,
// so that it takes hardly any time or space. All that the store has acknowledged
// before is in it. The store goes on meanwhile; but what it deletes takes its space
// until the checkpoint is closed. Close of the store, and the next Start after a
// crash, remove those that are left. It fails if the disk has hardly any room.
func (s *Store) Checkpoint() (*Checkpoint, error) { return s.log.Checkpoint() }
