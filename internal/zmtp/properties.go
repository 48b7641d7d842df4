package zmtp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Names of the properties of a READY that the package reads and writes. A
// peer may write them in any case; other properties are skipped.
const (
	propertySocketType = "Socket-Type"
	propertyIdentity   = "Identity"
)

const (
	identityMax    = 255 // bytes
	propertyLength = 4   // bytes of the size of a value
)

// ErrProperties is a READY whose list of properties is cut short, lacks the
// socket type, names a property twice, or holds an identity above 255 bytes.
var ErrProperties = errors.New("zmtp: malformed READY")

// appendProperties appends the data of our READY to dst. An empty identity is
// left out.
func appendProperties(dst []byte, typ SocketType, identity string) []byte {
	dst = appendProperty(dst, propertySocketType, string(typ))
	if identity != "" {
		dst = appendProperty(dst, propertyIdentity, identity)
	}
	return dst
}

func appendProperty(dst []byte, name, value string) []byte {
	dst = append(dst, byte(len(name)))
	dst = append(dst, name...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return append(dst, value...)
}

// parseProperties reads the data of a peer's READY. Nothing of the result
// aliases data. The socket type is as the peer wrote it.
func parseProperties(data []byte) (Peer, error) {
	var peer Peer
	var haveType, haveIdentity bool
	for len(data) > 0 {
		name, value, rest, err := cutProperty(data)
		if err != nil {
			return Peer{}, err
		}
		data = rest
		switch {
		case strings.EqualFold(string(name), propertySocketType):
			if haveType {
				return Peer{}, fmt.Errorf("%w: two socket types", ErrProperties)
			}
			haveType, peer.Type = true, SocketType(value)
		case strings.EqualFold(string(name), propertyIdentity):
			if haveIdentity || len(value) > identityMax {
				return Peer{}, fmt.Errorf("%w: two identities, or one too long", ErrProperties)
			}
			haveIdentity, peer.Identity = true, string(value)
		}
	}
	if !haveType {
		return Peer{}, fmt.Errorf("%w: no socket type", ErrProperties)
	}
	return peer, nil
}

// cutProperty splits the first property off data, which is not empty. No length
// is believed before it was compared with what is there.
func cutProperty(data []byte) (name, value, rest []byte, err error) {
	n := int(data[0])
	data = data[1:]
	if n == 0 || len(data) < n+propertyLength {
		return nil, nil, nil, fmt.Errorf("%w: property without a name or cut short", ErrProperties)
	}
	name, data = data[:n], data[n:]
	size := binary.BigEndian.Uint32(data)
	data = data[propertyLength:]
	if uint64(size) > uint64(len(data)) {
		return nil, nil, nil, fmt.Errorf("%w: value cut short", ErrProperties)
	}
	return name, data[:size], data[size:], nil
}
