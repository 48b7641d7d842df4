// Package beck holds what the packages of a beck mesh share: the record, the
// offset, the settings every node has, and the errors an application matches.
//
// beck is a streaming platform without a broker. A producer pushes its records
// straight to consumers and to stores, a tower introduces nodes to each other,
// and a consumer fetches what it missed from a store or from the producer. The
// nodes live in packages of their own:
//
//	tower     introduces nodes to each other
//	producer  publishes records, keeps them until enough stores have them
//	consumer  delivers the records of its topics, in order, without gaps
//	store     keeps records on disk and serves them
//
// What is promised, and what is not, is in docs/guarantees.md.
package beck

import (
	"errors"

	"github.com/beckmesh/beck/protocol"
)

// Errors an application can match with errors.Is. What a node returns wraps
// one of these together with what was being done.
var (
	// ErrClosed says that the node was closed before or during the call.
	ErrClosed = errors.New("node is closed")

	// ErrConfig says that a setting is out of its bounds; the text names it, and so
	// does a [SettingError] where it is about one field.
	ErrConfig = errors.New("invalid configuration")

	// ErrTopic says that a topic's name is not 1 to 255 bytes without NUL. It
	// is the error of package protocol, so that either matches.
	ErrTopic = protocol.ErrTopic

	// ErrPattern says that a pattern of topics cannot be read; the text says what
	// is wrong with it.
	ErrPattern = errors.New("invalid pattern of topics")

	// ErrNotSubscribed says that a consumer was told to seek or to pause what it is
	// not subscribed to.
	ErrNotSubscribed = errors.New("not subscribed")

	// ErrTooLarge says that a record does not fit into one message, or that its
	// key or its headers are beyond their bounds. It took no offset.
	ErrTooLarge = errors.New("record is too large")

	// ErrTime says that a record's time is before 1970 or after the year 9999. It
	// took no offset.
	ErrTime = errors.New("time of a record is not between 1970 and 9999")

	// ErrValue says that the value of a record that was received cannot be read:
	// its compression is not known, its compressed form is broken, or it is larger
	// than the consumer's MessageBytes. The text names the record.
	ErrValue = errors.New("value cannot be read")

	// ErrFull is what TryPublish returns where Publish would wait.
	ErrFull = errors.New("window is full")

	// ErrIdentity says that another live node uses this node's address. The
	// node has stopped, since going on would give two contents to one offset.
	ErrIdentity = errors.New("address is in use by another node")

	// ErrUnanswered says that a store was announced but did not answer, so
	// "everything known at the start" cannot be told.
	ErrUnanswered = errors.New("announced node does not answer")

	// ErrNameInUse says that another consumer holds the name under which this one
	// would save its positions, or took it over.
	ErrNameInUse = errors.New("name of saved positions is in use")

	// ErrPosition says that a position cannot be saved: it lies before one that
	// was committed, or beyond what was delivered.
	ErrPosition = errors.New("position is out of place")

	// ErrDamaged says that a file is not what was written.
	ErrDamaged = errors.New("file is damaged")

	// ErrDisk says that what is to be kept could not be written.
	ErrDisk = errors.New("disk failed")

	// ErrInUse says that another process has the data directory open.
	ErrInUse = errors.New("directory is in use")

	// ErrNotStore says that a directory is not empty and holds no store.
	ErrNotStore = errors.New("directory holds no store")

	// ErrNotJournal says that a directory is not empty and holds no journal.
	ErrNotJournal = errors.New("directory holds no journal")

	// ErrFormat says that a newer version of beck wrote the directory.
	ErrFormat = errors.New("directory has a newer format")
)
