// Package planted names deliberate defects. In what is built for users none of
// them exists: Is is a constant false there, and the compiler removes what it
// guards. With the build tag "planted" the linker chooses one, and the
// simulator has to find it.
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

	// Retention: a producer forgets what too few stores have.
	AnyAckFrees     Bug = "any-ack-frees"      // one acknowledgement is enough
	SameStoreTwice  Bug = "same-store-twice"   // each acknowledgement is another store's
	AckOfOtherTopic Bug = "ack-of-other-topic" // counted for the first topic
	DropUnacked     Bug = "drop-unacked"       // the window drops its oldest chunk regardless

	// Order: once, in sequence, no unreported gap.
	DropHeld      Bug = "drop-held"       // a run held ahead is passed over
	DeliverTwice  Bug = "deliver-twice"   // an overlapping run is delivered whole
	SilentSkip    Bug = "silent-skip"     // a gap is taken for delivered
	ListEndsEarly Bug = "list-ends-early" // a store lists one partition
	LatestTooLate Bug = "latest-too-late" // begins behind the first record

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

	// Convergence: stores end up with the same.
	StoresDoNotAsk Bug = "stores-do-not-ask" // a store asks no other for what it lacks

	// Liveness: everything that was acknowledged arrives.
	NoAckAgain Bug = "no-ack-again" // a lost last acknowledgement is not repeated
	RoomLeaks  Bug = "room-leaks"   // what was consumed does not make room
	NoTimeout  Bug = "no-timeout"   // a silent source is waited for
	HeadOnce   Bug = "head-once"    // only the first HEAD is sent
)

// All lists the defects.
var All = []Bug{
	AckBeforeSync, CommitWithoutSync, CommitSkipsOne, HeadAfterRestart, StartAnywhere, HoleAcknowledged, AckOverHole,
	AnyAckFrees, SameStoreTwice, AckOfOtherTopic, DropUnacked,
	DropHeld, DeliverTwice, SilentSkip, ListEndsEarly, LatestTooLate,
	CommitAhead, StoredIgnored,
	HeadAhead, RestForgotten, RunAcrossGap, CursorMidMessage, NoRedial, OldEndpoint, ServeOffByOne,
	StoresDoNotAsk,
	NoAckAgain, RoomLeaks, NoTimeout, HeadOnce,
}
