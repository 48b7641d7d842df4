package blocklog

import (
	"errors"
	"fmt"
)

// Summary is what a store's directory holds, as [Summarize] finds it.
type Summary struct {
	UUID   string
	Format int
	// DiskBytes is the length of all files of the directory.
	DiskBytes  uint64
	Partitions []PartitionSummary // sorted by topic and producer
	// Missing says what of the commits that were on disk is gone; empty: nothing.
	Missing string
}

// PartitionSummary is what is known of a partition.
type PartitionSummary struct {
	Partition
	State
	Holes     []Range // the lowest 1,000
	Conflicts int     // ranges of which another store holds other contents
	SetAside  int     // damaged blocks that were set aside
}

// Summarize looks at the store in dir, which no store may have open, and changes
// nothing. It reads states, and of blocks only those that lie around holes: what is
// damaged in others is found by [Verify]. Errors are those of opening it:
// [ErrInUse], [ErrNotStore], [ErrFormat], or damage.
func Summarize(dir string, o Options) (_ *Summary, err error) {
	f, err := openFrozen(dir, o)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer func() { err = errors.Join(err, f.close()) }()
	s := &Summary{UUID: f.home.UUID, Format: f.home.Format, Missing: f.missing}
	if s.DiskBytes, err = f.length(f.home.Path); err == nil {
		s.Partitions, err = f.summarize()
	}
	if err != nil {
		return nil, fmt.Errorf("store %q: %w", dir, err)
	}
	return s, nil
}

func (f *frozen) summarize() ([]PartitionSummary, error) {
	setAside := map[Partition]int{}
	if err := f.lastQuarantined(func(p Partition, _ uint64) { setAside[p]++ }); err != nil {
		return nil, err
	}
	if err := f.readMarks(); err != nil {
		return nil, err
	}
	list := make([]PartitionSummary, 0, len(f.order))
	for p, s := range f.Partitions() {
		holes, err := f.holes(p)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", p, err)
		}
		list = append(list, PartitionSummary{Partition: p, State: s, Holes: holes,
			Conflicts: len(f.marks(p).kept), SetAside: setAside[p]})
	}
	return list, nil
}

// readMarks reads the marks of conflicts as loadMarks does, and writes nothing.
func (f *frozen) readMarks() error {
	unused := f.db.NewBatch()
	err := f.eachOf(conflicts, func(key, raw []byte) error { return f.loadMark(key, raw, unused) })
	return errors.Join(err, unused.Close())
}

// holes returns what is missing of a partition; what is damaged counts as missing.
func (f *frozen) holes(p Partition) ([]Range, error) {
	var h holes
	if s, _ := f.state(p); !s.dense() {
		if _, err := h.find(f.Log, p, &s); err != nil {
			return nil, err
		}
	}
	return h.ranges, nil
}

// length returns how many bytes the files below path have.
func (f *frozen) length(path string) (total uint64, err error) {
	names, err := f.opts.FS.List(path)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		file := f.opts.FS.PathJoin(path, name)
		info, err := f.opts.FS.Stat(file)
		switch {
		case err != nil:
			return 0, err
		case info.IsDir():
			below, err := f.length(file)
			if err != nil {
				return 0, err
			}
			total += below
		case info.Mode().IsRegular():
			total += uint64(info.Size())
		}
	}
	return total, nil
}
