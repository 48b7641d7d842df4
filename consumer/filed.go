package consumer

import (
	"errors"
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/positions"
)

// filed keeps positions in a file.
type filed struct {
	file *positions.File
	at   map[core.Partition]uint64 // what it held when it was opened
}

// A positionsDriver is a driver that has disks of its own, as the simulator's has.
type positionsDriver interface {
	PositionsDisk() positions.FS
}

func openFile(c Config) (*filed, error) {
	var fs positions.FS
	if d, ok := mesh.DriverFor(c.Listen).(positionsDriver); ok {
		fs = d.PositionsDisk()
	}
	file, at, err := positions.Open(c.PositionsFile, c.SaveAs, fs)
	for _, e := range []struct{ from, to error }{
		{positions.ErrInUse, beck.ErrNameInUse}, {positions.ErrName, beck.ErrConfig},
		{positions.ErrDamaged, beck.ErrDamaged}, {positions.ErrFormat, beck.ErrFormat},
	} {
		if errors.Is(err, e.from) {
			return nil, fmt.Errorf("%w: %w", e.to, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return &filed{file: file, at: unsorted(at)}, nil
}

// load implements keeper.
func (f *filed) load(*Consumer) (map[core.Partition]uint64, string) { return f.at, "" }

// idle implements keeper.
func (f *filed) idle() bool { return true }

// save implements keeper: it writes all positions anew, without the lock.
func (f *filed) save(c *Consumer, _, all map[core.Partition]uint64) bool {
	at := sorted(all)
	c.node.Unlock()
	err := f.file.Save(at)
	c.node.Lock()
	if err != nil {
		err = fmt.Errorf("%w: %w", beck.ErrDisk, err)
	}
	c.saved(err)
	return true
}

// close implements keeper.
func (f *filed) close() error { return f.file.Close() }
