package mesh

import (
	"unsafe"

	"github.com/beckmesh/beck/internal/zmtp"
)

// memory is a block that a link's reader fills, with the places of the records in
// it and the count of those that a role keeps. When the role has released them all
// and the reader has gone on to another, the node uses both again: a consumer whose application
// is quick then reads into memory that is still in the processor's cache, and
// leaves the garbage collector nothing. Records that were dropped, or that
// nobody releases, leave their block to the garbage collector. The node's lock
// guards it.
type memory struct {
	node   *Node
	block  []byte
	places []place // of the records in block, when it is left
	kept   int     // records kept and not released
	whole  bool    // a role keeps what it is given of it, so that the reader only appends
	left   bool    // by the reader
}

// maxIdle bounds the blocks that a node keeps for later: with blocks of 256 KiB,
// 4 MiB.
const maxIdle = 16

// Release tells that n records of the run are not used any more, once for each
// record: nothing may refer to them. It needs the lock of the node.
func (r *Run) Release(n int) {
	if m := r.memory; m != nil {
		m.kept -= n
		m.reuse()
	}
}

// reuse gives the block back when nobody has anything in it.
func (m *memory) reuse() {
	n := m.node
	if m.kept > 0 || !m.left || !m.whole || len(m.block) != zmtp.DefaultBlock || len(n.idleBlocks) >= maxIdle {
		return
	}
	m.whole = false // once
	n.idleBlocks = append(n.idleBlocks, m.block)
	if len(n.idlePlaces) < maxIdle {
		n.idlePlaces = append(n.idlePlaces, m.places)
	}
}

// keep counts the runs of a batch that the role keeps.
func (m *memory) keep(b *Batch) {
	m.whole = true
	for i := range b.runs {
		if r := &b.runs[i]; sameBlock(r.block, m.block) {
			r.memory = m
			m.kept += r.Len()
		}
	}
}

// turned reports whether the reader of a link has gone on to another block.
func (d *Dialled) turned() bool {
	return d.memory == nil || !sameBlock(d.reader.Memory(), d.memory.block)
}

// follow notes which block the reader of a link fills now, and has one ready for
// when it needs the next. It needs the lock.
func (d *Dialled) follow() {
	n := d.link.node
	if d.turned() {
		if old := d.memory; old != nil {
			old.left, old.places = true, d.in.left
			old.reuse()
		}
		d.memory, d.in.left = &memory{node: n, block: d.reader.Memory()}, nil
	}
	if len(n.idleBlocks) > 0 && d.reader.Lend(last(n.idleBlocks)) {
		n.idleBlocks = dropLast(n.idleBlocks)
	}
	if len(n.idlePlaces) > 0 && d.in.spare == nil {
		d.in.spare = last(n.idlePlaces)
		n.idlePlaces = dropLast(n.idlePlaces)
	}
}

func last[T any](list []T) T { return list[len(list)-1] }

// dropLast returns list without its last element, which it keeps no longer.
func dropLast[T any](list []T) []T {
	end := len(list) - 1
	clear(list[end:])
	return list[:end]
}

func sameBlock(a, b []byte) bool { return unsafe.SliceData(a) == unsafe.SliceData(b) }
