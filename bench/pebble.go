package main

import (
	"encoding/binary"
	"errors"
	"io"
	"log"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// pebbleSystem is the database below beck's store, without a network.
func pebbleSystem() system {
	return system{
		name: "Pebble", modes: []string{store, replay},
		note: "the bare database in the producer's process, no network: blocks of 64 KiB, 16 of them in a synced batch, the next one made meanwhile",
		run:  plan{send: role{Kind: "pebble-write"}, receive: role{Kind: "pebble-read"}}.carry,
	}
}

const (
	pebbleBlock = 64 << 10 // bytes of records under one key
	pebbleBatch = 16       // blocks that are synced at once
)

func openPebble(dir string) (*pebble.DB, error) {
	o := &pebble.Options{
		Logger:                      quiet{},
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                64 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       8,
		L0StopWritesThreshold:       64,
		LBaseMaxBytes:               512 << 20,
		BytesPerSync:                1 << 20,
	}
	for i := range o.Levels {
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	}
	return pebble.Open(dir, o)
}

// quiet is a logger that says nothing but what ends the program.
type quiet struct{}

func (quiet) Infof(string, ...any)         {}
func (quiet) Errorf(f string, args ...any) { log.Printf(f, args...) }
func (quiet) Fatalf(f string, args ...any) { log.Fatalf(f, args...) }

// pebbleWrite writes on one goroutine what it made on another.
func pebbleWrite(r role, w *procs.Worker) error {
	db, err := openPebble(r.Dir + "/pebble")
	if err != nil {
		return err
	}
	defer db.Close()
	s := newSource(r, w)
	if err := s.start(); err != nil {
		return err
	}
	full, failed := make(chan *pebble.Batch), make(chan error, 1)
	go func() {
		var err error
		for b := range full {
			if err == nil {
				err = b.Commit(pebble.Sync)
			}
			_ = b.Close()
		}
		failed <- err
	}()
	err = pebbleFill(db, s, full)
	close(full)
	if err := errors.Join(err, <-failed); err != nil {
		return err
	}
	return s.done()
}

// pebbleFill makes batches of blocks: each record with its length before it.
func pebbleFill(db *pebble.DB, s *source, full chan<- *pebble.Batch) error {
	block := make([]byte, 0, pebbleBlock+s.role.Shape.Size+4)
	batch, blocks := db.NewBatch(), 0
	var first uint64
	put := func(next uint64) error {
		if len(block) > 0 {
			if err := batch.Set(binary.BigEndian.AppendUint64(nil, first), block, nil); err != nil {
				return err
			}
			blocks++
		}
		first, block = next, block[:0]
		return nil
	}
	err := s.each(func(seq uint64, value []byte) error {
		block = binary.BigEndian.AppendUint32(block, uint32(len(value)))
		block = append(block, value...)
		if len(block) < pebbleBlock {
			return nil
		}
		if err := put(seq + 1); err != nil {
			return err
		}
		if blocks == pebbleBatch {
			full <- batch
			batch, blocks = db.NewBatch(), 0
		}
		return nil
	})
	if err == nil {
		err = put(0)
	}
	if err == nil {
		full <- batch
	}
	return err
}

func pebbleRead(r role, w *procs.Worker) error {
	db, err := openPebble(r.Dir + "/pebble")
	if err != nil {
		return err
	}
	defer db.Close()
	s := newSink(r, w)
	if err := w.Ready(ready{}); err != nil {
		return err
	}
	it, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		block, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		for len(block) > 4 {
			n := binary.BigEndian.Uint32(block)
			last, err := s.take(block[4 : 4+n])
			if err != nil {
				return err
			}
			if last {
				return s.done()
			}
			block = block[4+n:]
		}
	}
	return errors.Join(it.Error(), s.checker.Missing(), workload.ErrLost, io.ErrUnexpectedEOF)
}
