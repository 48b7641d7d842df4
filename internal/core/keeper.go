package core

// Keeper knows, for a store, how far each partition is durable, and so how far
// it may be acknowledged: what was committed and synced, never what was only
// received.
type Keeper struct {
	durable map[Partition]uint64 // sequence after the last durable record
}

// NewKeeper returns a keeper that knows of nothing.
func NewKeeper() *Keeper { return &Keeper{durable: make(map[Partition]uint64)} }

// Acknowledgement tells a producer that everything up to and including Sequence
// is durable here.
type Acknowledgement struct {
	Partition Partition
	Sequence  uint64
}

// Committed notes that everything of p before end was synced to disk. Call it
// after the sync, never before.
func (k *Keeper) Committed(p Partition, end uint64) {
	k.durable[p] = max(k.durable[p], end)
}

// Durable returns the sequence after the last durable record of p.
func (k *Keeper) Durable(p Partition) uint64 { return k.durable[p] }

// Acknowledge returns what p's producer may be told; ok is false when there is
// nothing. It is also the answer to a HEAD, or to records that came again: the
// acknowledgement before may have been lost.
func (k *Keeper) Acknowledge(p Partition) (ack Acknowledgement, ok bool) {
	end := k.durable[p]
	if end == 0 {
		return Acknowledgement{}, false
	}
	return Acknowledgement{Partition: p, Sequence: end - 1}, true
}
