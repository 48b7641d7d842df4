// Package planted names deliberate defects. In what is built for users none of
// them exists: Is is a constant false there, and the compiler removes what it
// guards. With the build tag "planted" a test chooses one at a time, and
// the simulator has to find it.
//
// A defect stands where a real one would: one condition, in the code that the
// promise rests on.
package planted

// Bug is a deliberate defect.
type Bug string

// The defects, by the promise that they break.
const (
	// Durability: a store acknowledges what it would not have after a crash.
	AckBeforeSync     Bug = "ack-before-sync"     // acknowledged when received
	CommitWithoutSync Bug = "commit-without-sync" // written, not synced
	CommitSkipsOne    Bug = "commit-skips-one"    // one partition of a batch is left out
	HeadAfterRestart  Bug = "head-after-restart"  // a restarted store claims one record too many
	StartAnywhere     Bug = "start-anywhere"      // a store begins with whatever comes first
	AckOverHole       Bug = "ack-over-hole"       // acknowledged beyond what is missing and the producer holds
	HoleAcknowledged  Bug = "hole-acknowledged"   // a store takes records behind a gap as next
	AckBeyondDurable  Bug = "ack-beyond-durable"  // an ACK that is repeated counts a record that is not written

	// Retention: a producer forgets what too few stores have.
	AnyAckFrees     Bug = "any-ack-frees"      // one acknowledgement is enough
	SameStoreTwice  Bug = "same-store-twice"   // each acknowledgement is another store's
	AckOfOtherTopic Bug = "ack-of-other-topic" // counted for the first topic
	FreesBelowK     Bug = "frees-below-k"      // a chunk goes when its first record may
	DropUnacked     Bug = "drop-unacked"       // the window drops its oldest chunk regardless

	// Order: once, in sequence, no unreported gap.
	DropHeld      Bug = "drop-held"       // a run held ahead is passed over
	DeliverTwice  Bug = "deliver-twice"   // an overlapping run is delivered whole
	SilentSkip    Bug = "silent-skip"     // a gap is taken for delivered
	ListEndsEarly Bug = "list-ends-early" // a store lists one partition
	LatestTooLate Bug = "latest-too-late" // begins behind the first record

	// Contents: what was damaged on its way is not delivered.
	DamageDelivered Bug = "damage-delivered" // a checksum that does not match is not looked at

	// Saved positions and Deliver: stored.
	CommitAhead   Bug = "commit-ahead"   // the position saved is one beyond what was finished
	StoredIgnored Bug = "stored-ignored" // what no store has is delivered all the same

	// Links, windows and the peer table.
	HeadAhead        Bug = "head-ahead"         // a HEAD names what the link has not sent
	RestForgotten    Bug = "rest-forgotten"     // what a short write left is lost
	RunAcrossGap     Bug = "run-across-gap"     // records behind a gap join the run
	CursorMidMessage Bug = "cursor-mid-message" // an overtaken cursor goes on inside a message
	NoRedial         Bug = "no-redial"          // a lost link is not dialled again
	OldEndpoint      Bug = "old-endpoint"       // a peer that moved is dialled where it was
	ServeOffByOne    Bug = "serve-off-by-one"   // the first record of a range is left out

	// C nodes: what they send is not always right.
	ForeignBelieved Bug = "foreign-believed" // a C producer is asked also when something was acknowledged

	// Bounds.
	QueueUnbounded Bug = "queue-unbounded" // what does not fit is queued

	// Convergence: stores end up with the same.
	StoresDoNotAsk   Bug = "stores-do-not-ask"  // a store asks no other for what it lacks
	HolesStay        Bug = "holes-stay"         // what was missing once is not asked for again
	PurgeStays       Bug = "purge-stays"        // a purge reaches no other store
	MissingIsExpired Bug = "missing-is-expired" // a store says that what it does not have has expired

	// Liveness: everything that was acknowledged arrives.
	NoAckAgain Bug = "no-ack-again" // a lost last acknowledgement is not repeated
	RoomLeaks  Bug = "room-leaks"   // what was consumed does not make room
	NoTimeout  Bug = "no-timeout"   // a silent source is waited for
	HeadOnce   Bug = "head-once"    // only the first HEAD is sent
)

// All lists the defects.
var All = []Bug{
	AckBeforeSync, CommitWithoutSync, CommitSkipsOne, HeadAfterRestart, StartAnywhere, HoleAcknowledged,
	AckOverHole, AckBeyondDurable,
	AnyAckFrees, SameStoreTwice, AckOfOtherTopic, DropUnacked, FreesBelowK,
	DropHeld, DeliverTwice, SilentSkip, ListEndsEarly, LatestTooLate,
	CommitAhead, StoredIgnored,
	HeadAhead, RestForgotten, RunAcrossGap, CursorMidMessage, NoRedial, OldEndpoint, ServeOffByOne,
	ForeignBelieved, QueueUnbounded, StoresDoNotAsk,
	HolesStay, PurgeStays, MissingIsExpired,
	NoAckAgain, RoomLeaks, NoTimeout, HeadOnce,
}
