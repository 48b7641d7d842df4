// Package blocklog is the log of a store: the records of every partition, in
// blocks, on Pebble. What [Batch.Commit] has confirmed survives the loss of
// power.
//
// A directory holds
//
//	store.json   format version, the store's UUID and where it was made
//	LOCK         held by the process that has the store open
//	log/         Pebble's files
//
// and Pebble holds the keys
//
//	r/topic \0 producer \0 first   a block: records first, first+1, ...
//	h/topic \0 producer            the partition's state, a msgpack map
//	q/topic \0 producer \0 first   a block that could not be trusted, set aside
//	v                              format version, decimal
//
// where first is a big-endian uint64, so that the blocks of a partition lie
// side by side in sequence. A block and the state that counts it are written
// in one Pebble batch: after a crash they agree. Many records under one key is
// what makes the log fast; a key a record costs more than twice as much.
//
// Records are appended to a [Builder] per partition, builders are added to a
// [Batch], and one goroutine commits batches. [Log.Read], [Log.State] and
// [Log.Partitions] may be called from any goroutine at the same time, and see
// only what was committed.
//
// The first write wins: a record at or below the head of its partition is
// refused, never overwritten. Sequences may be missing (a named loss, a block
// in quarantine): reading goes on behind the hole.
package blocklog
