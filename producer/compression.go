package producer

import (
	"fmt"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/protocol"
)

// Compression says how a producer compresses values. A consumer needs no
// setting: contents say how they are compressed.
type Compression uint8

// The compressions.
const (
	None Compression = Compression(protocol.Plain) // values go as they are
	Zstd Compression = Compression(protocol.Zstd)  // Zstandard: the smaller contents
	S2   Compression = Compression(protocol.S2)    // S2: the quicker one
)

var compressions = [...]string{None: "none", Zstd: "zstd", S2: "s2"}

// ParseCompression returns the compression of a name, "none", "zstd" or "s2"; any
// other is [beck.ErrConfig].
func ParseCompression(name string) (Compression, error) {
	for c, n := range compressions {
		if n == name {
			return Compression(c), nil
		}
	}
	return None, fmt.Errorf("%w: compression %q is none of %s", beck.ErrConfig, name, strings.Join(compressions[:], ", "))
}

// String returns the name that ParseCompression takes.
func (c Compression) String() string {
	if int(c) < len(compressions) {
		return compressions[c]
	}
	return fmt.Sprintf("Compression(%d)", uint8(c))
}

// MarshalText returns the compression's name.
func (c Compression) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is ParseCompression, for flags and configuration files.
func (c *Compression) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCompression(string(text))
	return err
}
