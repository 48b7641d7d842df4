package journal

import "errors"

// What an error of this package can be matched by. The texts of the errors
// that wrap them name the directory or the file and what to do.
var (
	// ErrInUse: another process (or another [Journal]) has the directory open.
	ErrInUse = errors.New("journal is in use")
	// ErrNotJournal: the directory holds something, but no journal.
	ErrNotJournal = errors.New("not a journal directory")
	// ErrFormat: written by a newer version, in a format unknown here.
	ErrFormat = errors.New("newer journal format")
	// ErrCorrupt: bytes that were on disk are not what was written, or a file
	// is missing. Nothing was changed in the directory.
	ErrCorrupt = errors.New("journal is damaged")
	// ErrClosed: the journal was closed.
	ErrClosed = errors.New("journal is closed")
	// ErrSync: what was appended is not known to be on disk. The journal takes
	// nothing more. Close it and open it again: a failed fsync is not to be
	// repeated, because the system may have dropped the pages that it could not
	// write.
	ErrSync = errors.New("journal did not reach the disk")
	// ErrSequence: not the topic's next sequence, or 2^64-1, which has no
	// successor.
	ErrSequence = errors.New("sequence out of order")
	// ErrTooLarge: a record above [MaxRecord].
	ErrTooLarge = errors.New("record too large for the journal")
	// ErrTopics: the journal has [MaxTopics] topics already.
	ErrTopics = errors.New("too many topics for the journal")
)
