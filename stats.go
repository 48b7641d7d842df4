package beck

// LinkStats is what a node counts of its links to other nodes, towers left out. Sums
// begin with the node.
type LinkStats struct {
	// Dialled and Accepted are the links that there are, by the role of the other
	// node: "producer", "consumer", "store", "observer"; "foreign" for a C node,
	// "other" for what is none of these or not known yet. A node listens to those that
	// it dialled.
	Dialled, Accepted map[string]int

	Linked   uint64 // links that were dialled
	Relinked uint64 // of them, those to a node that had been linked and was still known
	Lost     uint64 // of them, those that ended
	Failures uint64 // dials that failed

	SentBytes, ReceivedBytes uint64 // what went over links, with all that belongs to the protocol
	Writes, Reads            uint64 // in how many pieces

	Requests      uint64 // ranges of records that others asked for
	Refused       uint64 // of them, those beyond what one link may have under way
	ServedRecords uint64 // records sent in answer
	ServedBytes   uint64 // their bytes, as they went over the links

	Peers  int // nodes known
	Towers int // towers there now
}
