package protocol

import "strconv"

// First frames of what passes between towers and nodes, which is also what
// nodes subscribe to at a tower.
const (
	PrefixWelcome = "W" // the tower is there; the whole message
	PrefixBeacon  = "B" // a node is there
	PrefixListEnd = "T" // the first list of nodes is complete; beck towers only
)

// NodeBeacon is what a node sends to a tower: when it starts, every second, and
// whenever it sees a new peer.
type NodeBeacon struct {
	UUID string // the node's address
	Host string // what to announce; "" = where the connection comes from
	Port uint16 // where the node listens, 1 to 65535
	Info *NodeInfo
}

// Frames encodes the beacon as the frames of one message.
func (n NodeBeacon) Frames() [][]byte {
	frames := [][]byte{
		[]byte(PrefixBeacon),
		[]byte(n.UUID),
		[]byte(n.Host),
		strconv.AppendUint(nil, uint64(n.Port), 10),
	}
	return appendInfo(frames, n.Info)
}

// ParseNodeBeacon reads a message that a tower got. It fails with [ErrBeacon]
// for the wrong frames, [ErrAddress] for the UUID and [ErrEndpoint] for a host
// that cannot be one or a port outside 1 to 65535. Info is nil where the frame
// is missing or unreadable; frames behind it are ignored.
func ParseNodeBeacon(frames [][]byte) (NodeBeacon, error) {
	uuid, err := parseBeacon(frames, 4)
	if err != nil {
		return NodeBeacon{}, err
	}
	if len(frames[2]) > maxHost {
		return NodeBeacon{}, ErrEndpoint
	}
	host := string(frames[2])
	port, ok := parsePort(frames[3])
	if _, clean := cleanHost(host); !clean || !ok || port == 0 {
		return NodeBeacon{}, ErrEndpoint
	}
	return NodeBeacon{UUID: uuid, Host: host, Port: port, Info: optionalInfo(frames[4:])}, nil
}

// TowerBeacon is what a tower tells nodes of each other.
type TowerBeacon struct {
	UUID     string // the announced node's address
	Endpoint string // where to dial it: "tcp://host:port"
	Info     *NodeInfo
}

// Frames encodes the beacon as the frames of one message.
func (t TowerBeacon) Frames() [][]byte {
	frames := [][]byte{[]byte(PrefixBeacon), []byte(t.UUID), []byte(t.Endpoint)}
	return appendInfo(frames, t.Info)
}

// ParseTowerBeacon reads a beacon that a node got from a tower. It fails with
// [ErrBeacon] for the wrong frames, [ErrAddress] for the UUID and [ErrEndpoint]
// for an endpoint that cannot be dialled. Info is nil where the frame is missing
// or unreadable; frames behind it are ignored.
func ParseTowerBeacon(frames [][]byte) (TowerBeacon, error) {
	uuid, err := parseBeacon(frames, 3)
	if err != nil {
		return TowerBeacon{}, err
	}
	const maxEndpoint = len("tcp://[]:65535") + maxHost
	if len(frames[2]) > maxEndpoint || !dialable(string(frames[2])) {
		return TowerBeacon{}, ErrEndpoint
	}
	return TowerBeacon{UUID: uuid, Endpoint: string(frames[2]), Info: optionalInfo(frames[3:])}, nil
}

// Welcome is the message a tower sends to a node that connects. C nodes wait
// for it.
func Welcome() [][]byte { return [][]byte{[]byte(PrefixWelcome)} }

// IsWelcome reports whether frames are a tower's welcome.
func IsWelcome(frames [][]byte) bool {
	return len(frames) == 1 && string(frames[0]) == PrefixWelcome
}

// ListEnd is what a beck tower sends behind its first list of nodes. Info is the
// tower's own; its Age says how long the tower has been collecting that list.
type ListEnd struct{ Info NodeInfo }

// Frames encodes the mark as the frames of one message.
func (l ListEnd) Frames() [][]byte {
	return appendInfo([][]byte{[]byte(PrefixListEnd)}, &l.Info)
}

// ParseListEnd reads such a mark: [ErrBeacon] for the wrong frames, [ErrInfo]
// for an unreadable info frame, without which the mark says too little.
func ParseListEnd(frames [][]byte) (ListEnd, error) {
	if len(frames) < 2 || string(frames[0]) != PrefixListEnd {
		return ListEnd{}, ErrBeacon
	}
	info, err := ParseInfo(frames[1])
	return ListEnd{Info: info}, err
}

// parseBeacon checks what both beacons begin with and returns the UUID.
func parseBeacon(frames [][]byte, n int) (uuid string, err error) {
	if len(frames) < n || string(frames[0]) != PrefixBeacon {
		return "", ErrBeacon
	}
	if !isAddress(frames[1]) {
		return "", ErrAddress
	}
	return string(frames[1]), nil
}

func appendInfo(frames [][]byte, info *NodeInfo) [][]byte {
	if info == nil {
		return frames
	}
	return append(frames, info.Append(nil))
}

// optionalInfo reads the first of the frames behind a beacon. A beacon stands
// without it.
func optionalInfo(frames [][]byte) *NodeInfo {
	if len(frames) == 0 {
		return nil
	}
	info, err := ParseInfo(frames[0])
	if err != nil {
		return nil
	}
	return &info
}
