// Package blocklog is the log of a store: the records of every partition, in
// blocks, on Pebble. What [Batch.Commit] has confirmed survives the loss of
// power.
//
// A directory holds
//
//	store.json   format version, the store's UUID and where it was made
//	LOCK         held by the process that has the store open
//	watermark    how many commits are on disk at least
//	checkpoints/ what [Log.Checkpoint] made and is held
//	log/         Pebble's files
//
// and Pebble holds the keys
//
//	r/topic \0 producer \0 first   a block: records first, first+1, ...
//	h/topic \0 producer            the partition's state, a msgpack map
//	g/topic \0 producer \0 first   sums of the 4,096 sequences from first on, msgpack
//	q/topic \0 producer \0 first   a block that could not be trusted, set aside
//	c/topic \0 producer            marks of conflicts with other stores, msgpack
//	s                              the seal of the last commit
//	v                              format version, decimal
//	x                              what is being taken out of damaged files, msgpack
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
// The first write wins: a record that is held is never overwritten. Sequences
// may be missing (a named loss, a block in quarantine): reading goes on behind
// the hole, [Log.Holes] names it, and [Batch.Fill] takes late what belongs there,
// and nothing else. [Log.Digest] sums up contents, so that two stores find out
// whether they hold the same; [Log.MarkConflict] marks where they do not.
//
// Records that came from a store that keeps no trailers are marked as bare
// ([Builder.Bare]), until [Batch.Complete] has the same with their trailers.
//
// [Log.Enforce] applies retention: it raises tails, below which nothing is ever
// served or taken again, and drops what was emptied long ago. [Log.Purge] deletes
// by hand. Blocks below a tail go later, in ranges. [Log.MergeSmall] brings the
// blocks of quiet partitions together. All of these may be called while batches
// are committed and records are read.
//
// A full disk makes commits wait and nothing fail: see [Options.OnFull]. After a
// failed fsync nothing is committed until [Log.Reopen].
//
// Of a damaged directory no wrong byte is served. Opening it
//
//   - names what cannot be read, by a [*CorruptError] or as a hole: damage in
//     blocks, in Pebble's tables and in its files of large values. [Log.CutOut] makes
//     holes of the latter, and [Log.Inspect] finds what nobody reads;
//   - gives it a new UUID, and goes on with what is left, if commits that were on
//     disk are missing, or parts of them: a write-ahead log that ends too early, or
//     a whole database that is older than it should be;
//   - is refused with the name of the file, if Pebble cannot do without what is
//     damaged, or would remove what is not.
//
// What is not noticed is that the last second of commits before a crash is
// damaged, with nothing written behind it: that is what the end of a log looks like
// that was being written. After Close it is noticed. Neither is that a disk as a
// whole, watermark included, went back to an earlier state.
package blocklog
