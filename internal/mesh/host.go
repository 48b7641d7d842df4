package mesh

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/go-sockaddr/template"

	"github.com/beckmesh/beck/protocol"
)

// ErrHost is a host setting that cannot be announced.
var ErrHost = errors.New("mesh: invalid host")

// ExpandHost turns a host setting into the host that a node announces: a name,
// an IPv4 address or an IPv6 address (with or without brackets; returned
// without). A setting with "{{" is a go-sockaddr template, such as
// "{{ GetPrivateIP }}", and is evaluated against this machine's interfaces; it
// must yield exactly one host. The empty setting stays empty: towers then take
// the address that the connection comes from. Anything else is ErrHost.
func ExpandHost(setting string) (string, error) {
	host := strings.TrimSpace(setting)
	if strings.Contains(host, "{{") {
		out, err := template.Parse(host)
		if err != nil {
			return "", fmt.Errorf("%w: template %q: %w", ErrHost, setting, err)
		}
		if host = strings.TrimSpace(out); host == "" {
			return "", fmt.Errorf("%w: template %q yields no address on this machine", ErrHost, setting)
		}
	}
	if host == "" {
		return "", nil
	}
	clean, _, err := protocol.ParseEndpoint(protocol.FormatEndpoint(host, 1))
	if err != nil || clean == "" {
		return "", fmt.Errorf("%w: %q is not one name or address", ErrHost, host)
	}
	return clean, nil
}
