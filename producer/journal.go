package producer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/journal"
	"github.com/beckmesh/beck/internal/mesh"
)

// journaled is a producer's window on disk: what is published is synced there
// before a link may have it, so that no offset ever names two contents.
type journaled struct {
	*journal.Journal
	dirty   map[*core.Log]bool // with records that are not synced
	syncing bool
}

// A journalDriver is a driver that has disks of its own, as the simulator's has.
type journalDriver interface {
	JournalDisk(o *journal.Options)
}

// openJournal opens the directory of Config.Journal.
func openJournal(c Config) (*journaled, error) {
	o := journal.Options{Logger: c.NodeConfig.WithDefaults().Logger}
	if d, ok := mesh.DriverFor(c.Listen).(journalDriver); ok {
		d.JournalDisk(&o)
	}
	j, err := journal.Open(c.Journal, o)
	switch {
	case errors.Is(err, journal.ErrInUse):
		err = fmt.Errorf("%w: %w", beck.ErrInUse, err)
	case errors.Is(err, journal.ErrNotJournal):
		err = fmt.Errorf("%w: %w", beck.ErrNotJournal, err)
	case errors.Is(err, journal.ErrFormat):
		err = fmt.Errorf("%w: %w", beck.ErrFormat, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &journaled{Journal: j, dirty: make(map[*core.Log]bool)}, nil
}

// restore publishes again what the journal kept. It is called before anything
// else happens to the node.
func (p *Producer) restore() error {
	w := p.node.Window()
	w.Restoring = true
	defer func() { w.Restoring = false }()
	for t := range p.journal.Topics() {
		p.node.Topic(t.Name).Log.Restore(t.First)
	}
	err := p.journal.Replay(func(topic string, seq uint64, content, trailer []byte) error {
		t := p.node.Topic(topic)
		if next := t.Log.Next(); seq != next {
			return fmt.Errorf("journal: %q has offset %d where %d is due", topic, seq, next)
		}
		p.node.Append(t, content, trailer)
		p.stats.Recovered++
		return nil
	})
	for _, l := range w.Logs() {
		l.Show(l.End())
		if l.Next() > 0 { // announced also if all of it was acknowledged
			w.Wrote(l, p.node.Now())
		}
	}
	p.node.WakeAt(w.NextWake())
	return err
}

// record notes an appended record for the journal. It needs the lock.
func (p *Producer) record(t *mesh.Topic, seq uint64, content, trailer []byte) {
	if err := p.journal.Append(t.Log.Topic, seq, content, trailer); err != nil {
		p.fail(fmt.Errorf("journal: %w: %w", beck.ErrDisk, err))
		return
	}
	p.journal.dirty[t.Log] = true
	p.node.WakeWorkers()
}

// syncJournal syncs what was recorded, then shows it to the links. Meanwhile the
// next records gather.
func (p *Producer) syncJournal() bool {
	j := p.journal
	if len(j.dirty) == 0 || p.err != nil {
		return false
	}
	logs := slices.SortedFunc(maps.Keys(j.dirty), func(a, b *core.Log) int { return strings.Compare(a.Topic, b.Topic) })
	marks := make([]core.Mark, len(logs))
	for i, l := range logs {
		marks[i] = l.End()
	}
	clear(j.dirty)
	j.syncing = true
	p.node.Unlock()
	err := j.Sync()
	p.node.Lock()
	j.syncing = false
	if err != nil {
		p.fail(fmt.Errorf("journal: %w: %w", beck.ErrDisk, err))
		return false
	}
	for i, l := range logs {
		p.node.Show(l, marks[i])
		p.release(l, l.Acked())
		if p.cfg.MinStoreAcks == 0 {
			j.Trim(l.Topic, l.Lowest())
		}
	}
	p.node.Room().Broadcast()
	return true
}

// synced reports whether everything published is on disk. It needs the lock.
func (j *journaled) synced() bool { return len(j.dirty) == 0 && !j.syncing }
