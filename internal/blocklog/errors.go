package blocklog

import (
	"errors"
	"fmt"
)

// What an error of this package can be matched by. The texts of the errors
// that wrap them name the directory or the partition and what to do.
var (
	// ErrInUse: another process (or another [Log]) has the directory open.
	ErrInUse = errors.New("store directory is in use")
	// ErrNotStore: the directory holds something, but no store.
	ErrNotStore = errors.New("not a store directory")
	// ErrFormat: written by a newer version, in a format unknown here.
	ErrFormat = errors.New("newer store format")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("log is closed")
	// ErrSync: what was to be committed is not known to be on disk. The log
	// takes no more batches; what was committed before can still be read. Call
	// Reopen, or close it and open it again: a failed fsync is not to be repeated,
	// because the system may have dropped the pages that it could not write.
	ErrSync = errors.New("commit did not reach the disk")
	// ErrReopening: the log is being opened again, or could not be.
	ErrReopening = errors.New("log is being opened again")
	// ErrReopened: the batch was begun before the log was opened again.
	ErrReopened = errors.New("log was opened again since the batch was begun")
	// ErrLost: what had been committed is not on disk any more.
	ErrLost = errors.New("the disk lost what it had confirmed")
	// ErrOverlap: the partition has these sequences, or later ones, already.
	ErrOverlap = errors.New("sequence at or below the partition's head")
	// ErrNotHole: the records are not ones that the partition lacks within its
	// tail and head.
	ErrNotHole = errors.New("no hole in the partition")
	// ErrRange: not a range whose sums are known.
	ErrRange = errors.New("no sums of that range")
	// ErrConflict: a record is held with other contents. The error is a
	// [*ConflictError], which names it.
	ErrConflict = errors.New("contents differ from those held")
	// ErrSequence: the sequence is 2^64-1, which has no successor.
	ErrSequence = errors.New("sequence out of range")
	// ErrTooLarge: a record above [MaxRecord], or a batch above [MaxBatch].
	ErrTooLarge = errors.New("too large for the log")
	// ErrPartition: the topic or the producer's address is invalid.
	ErrPartition = errors.New("invalid partition")
	// ErrCommitted: the batch was committed or discarded before.
	ErrCommitted = errors.New("batch was committed already")
	// ErrFull: the disk stayed full, so that opening or closing was given up. What
	// was committed is on disk; make room and open again.
	ErrFull = errors.New("disk is full")
	// ErrPolicy: a retention policy or rule that cannot be understood.
	ErrPolicy = errors.New("invalid retention")
	// ErrBackup: a file that is no backup, or not the backup that was written.
	ErrBackup = errors.New("not a whole backup")
	// ErrNotEmpty: the directory to restore into holds something.
	ErrNotEmpty = errors.New("directory is not empty")
	// ErrExists: the file to write a backup to is there.
	ErrExists = errors.New("file exists")
	// ErrCorrupt: stored bytes are not what was written. The error is a
	// [*CorruptError], which names the range.
	ErrCorrupt = errors.New("corrupt block")
)

// CorruptError says which records cannot be served because the bytes on disk
// are damaged. It matches [ErrCorrupt].
type CorruptError struct {
	Partition Partition
	// First and Next bound the records that are lost here: those held within
	// [First, Next). Reading can go on at Next.
	First, Next uint64
	// Quarantined says that the block was set aside and will not be met again.
	// If false, the damage was found by the checksums of Pebble's files: reading
	// in the range gives this error every time.
	Quarantined bool
	// Cause says what is wrong with the bytes.
	Cause error

	stays bool // it cannot be cut out; guarded by Log.mu
}

// ConflictError names the first record that was given with other contents than
// are held. It matches [ErrConflict].
type ConflictError struct {
	Partition Partition
	Seq       uint64
}

// Error names the partition and the sequence.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%v: record %d of %v", ErrConflict, e.Seq, e.Partition)
}

// Unwrap returns [ErrConflict].
func (e *ConflictError) Unwrap() error { return ErrConflict }

// Error names the partition, the range and the cause.
func (e *CorruptError) Error() string {
	done := "cannot be read"
	if e.Quarantined {
		done = "put in quarantine"
	}
	return fmt.Sprintf("%v: records %d to %d of %v %s: %v",
		ErrCorrupt, e.First, e.Next-1, e.Partition, done, e.Cause)
}

// Unwrap returns [ErrCorrupt] and the cause.
func (e *CorruptError) Unwrap() []error { return []error{ErrCorrupt, e.Cause} }
