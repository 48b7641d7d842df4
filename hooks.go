package beck

// Peer is another node as a hook is told of it.
//
// Hooks of a configuration are called when something happens to a node. The calls
// of one node come one at a time, in the order of what happened, from a goroutine
// that holds no lock of beck's: a hook may take its time and may call any method of
// any node, except Close of the node it belongs to, which waits for the hook to
// return. (Close it from another goroutine.)
//
// A slow hook delays the hooks that follow and nothing else. Where things happen
// faster than their hooks return, acknowledgements and drops are summed up in one
// call; of the others at most 4,096 wait, and the log says how many were left out.
// When Close returns, no call is under way and none follows.
type Peer struct {
	Address  string // "" for a tower
	Role     string // "producer", "consumer", "store", "tower"; "observer" for a command that looks at the mesh; "" for a C node
	Name     string // as it calls itself
	Endpoint string // where it was dialled, "tcp://host:port"
}
