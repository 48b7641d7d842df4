package blocklog

import (
	"context"
	"errors"
	"fmt"
)

// maxFaults bounds how many faults, and how many missing ranges, [Verify] names.
const maxFaults = 1000

// Audit is what [Verify] found.
type Audit struct {
	UUID       string
	Partitions int
	Blocks     uint64 // intact ones
	Records    uint64 // in them, at or above the tails
	Bytes      uint64 // of them, encoded
	// Missing is how many records are not held within tails and heads and are not
	// damaged: they never came, or their block was set aside before. Holes are the
	// ranges, the first 1,000.
	Missing uint64
	Holes   []Hole
	// SetAside counts the damaged blocks that a store has met and set aside.
	SetAside uint64
	// Faults are the first 1,000 of Faulty; none: the store is sound.
	Faults []Fault
	Faulty uint64
}

// Hole is a range of records that a partition lacks.
type Hole struct {
	Partition
	Range
}

// Fault is something that is not as it was written.
type Fault struct {
	Kind      FaultKind
	Partition Partition // zero if it is not about one
	// Range bounds the records of a partition that it is about; First is the key of
	// a block. Both are 0 if it is about the partition as a whole.
	Range
	Err error // says what is wrong
}

// FaultKind says what a [Fault] is about.
type FaultKind string

// The kinds of faults.
const (
	FaultBlock   FaultKind = "block"   // a block's bytes: checksum, layout, key
	FaultFile    FaultKind = "file"    // Pebble cannot read the file that has the records
	FaultOverlap FaultKind = "overlap" // two blocks hold the same offsets
	FaultState   FaultKind = "state"   // a partition's head, counts or digest are not those of its blocks
	FaultGrain   FaultKind = "sums"    // the sums of 4,096 offsets are not those of their records
	FaultCommit  FaultKind = "commit"  // commits that were on disk are not there any more
)

var (
	errTwice = errors.New("another block has these offsets")
	errHead  = errors.New("head is not where the blocks end")
	errCount = errors.New("counts or digest are not those of the blocks")
	errSums  = errors.New("sums are not those of the blocks")
)

// Verify reads the whole store in dir, which no store may have open, and changes
// nothing: it checks the checksum and the layout of every block above its
// partition's tail, that blocks follow each other, that states, sums and digests
// are those of the blocks, and that no commit is gone. A store that is opened finds
// what is damaged in a block, too, but only when that is read, and sets it aside.
//
// The error is that of opening dir ([ErrInUse], [ErrNotStore], [ErrFormat], or
// damage to a file that nothing can be read without), of reading it, or ctx's. What
// is damaged in it is no error but in the Audit. w may be nil.
func Verify(ctx context.Context, dir string, o Options, w Watcher) (_ *Audit, err error) {
	f, err := openFrozen(dir, o)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, f.close()) }()
	a := auditor{log: f.Log, pace: pace{ctx: ctx, watch: w}, Audit: &Audit{UUID: f.home.UUID}}
	if f.missing != "" {
		a.fault(Fault{Kind: FaultCommit, Err: fmt.Errorf("%w: %s", ErrLost, f.missing)})
	}
	if err := a.run(); err != nil {
		return nil, fmt.Errorf("verify %q: %w", dir, err)
	}
	return a.Audit, nil
}

// auditor compares a frozen log with itself.
type auditor struct {
	*Audit
	log      *Log
	pace     pace
	setAside map[Partition]uint64 // where the last block that was set aside ends
}

func (a *auditor) run() error {
	if err := a.findSetAside(); err != nil {
		return err
	}
	all, err := a.partitions()
	if err != nil {
		return err
	}
	total := uint64(0)
	for _, p := range all {
		s, _ := a.log.state(p)
		total += s.Bytes
	}
	a.pace.phase("verify", total)
	for _, p := range all {
		a.Partitions++
		if err := a.audit(p); err != nil {
			return fmt.Errorf("%v: %w", p, err)
		}
	}
	return nil
}

// fault notes a fault, unless there are too many to be named.
func (a *auditor) fault(f Fault) {
	if a.Faulty++; len(a.Faults) < maxFaults {
		a.Faults = append(a.Faults, f)
	}
}

func (a *auditor) findSetAside() error {
	a.setAside = map[Partition]uint64{}
	return a.log.lastQuarantined(func(p Partition, end uint64) {
		a.SetAside++
		a.setAside[p] = max(a.setAside[p], end)
	})
}
