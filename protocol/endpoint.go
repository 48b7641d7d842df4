package protocol

import (
	"net/netip"
	"strconv"
	"strings"
)

// Default ports of a tower.
const (
	SubPort = 5556 // nodes send their beacons here
	PubPort = 5557 // nodes hear of each other here
)

// maxHost is the length limit of a host in bytes, that of a DNS name.
const maxHost = 255

// TowerAddr is one tower as nodes see it, both as "tcp://host:port".
type TowerAddr struct {
	Sub string // where it takes beacons
	Pub string // where it sends them
}

// ParseEndpoint takes "tcp://host:port" apart for net.JoinHostPort. Host is a
// name, an IPv4 address or an IPv6 address, in brackets or, as C towers write
// it, without; it is returned without them. Host "*", every interface, is
// returned as "": it can be bound, not dialled. Port is 0 to 65535 in decimal;
// 0 and "*", returned as "0", let the system choose when binding. Everything
// else is [ErrEndpoint].
func ParseEndpoint(endpoint string) (host, port string, err error) {
	rest, ok := strings.CutPrefix(endpoint, "tcp://")
	if !ok {
		return "", "", ErrEndpoint
	}
	colon := strings.LastIndexByte(rest, ':')
	if colon < 0 {
		return "", "", ErrEndpoint
	}
	if host, port = rest[:colon], rest[colon+1:]; port == "*" {
		port = "0"
	}
	n, ok := parsePort(port)
	if !ok {
		return "", "", ErrEndpoint
	}
	if host == "*" {
		return "", strconv.Itoa(int(n)), nil
	}
	if host, ok = cleanHost(host); !ok || host == "" {
		return "", "", ErrEndpoint
	}
	return host, strconv.Itoa(int(n)), nil
}

// FormatEndpoint is the endpoint "tcp://host:port"; an IPv6 address is put in
// brackets unless it has them. Host and port are not checked.
func FormatEndpoint(host string, port uint16) string {
	if strings.IndexByte(host, ':') >= 0 && host[0] != '[' {
		host = "[" + host + "]"
	}
	return "tcp://" + host + ":" + strconv.Itoa(int(port))
}

// dialable reports whether an endpoint names one host and one port.
func dialable(endpoint string) bool {
	host, port, err := ParseEndpoint(endpoint)
	return err == nil && host != "" && port != "0"
}

// cleanHost takes the brackets off an IPv6 address and checks the rest: an IPv6
// address where there are colons, else a name or an IPv4 address, of characters
// that such have. An empty host passes.
func cleanHost(host string) (string, bool) {
	if len(host) > maxHost {
		return "", false
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		if inner, bracketed = strings.CutSuffix(inner, "]"); !bracketed {
			return "", false
		}
		host = inner
	}
	for i := range len(host) {
		if !isHostByte(host[i]) {
			return "", false
		}
	}
	if bracketed || strings.IndexByte(host, ':') >= 0 {
		ip, err := netip.ParseAddr(host)
		return host, err == nil && ip.Is6()
	}
	return host, strings.IndexByte(host, '%') < 0
}

// isHostByte accepts what names, addresses and the zone of an IPv6 address are
// made of. Anything else would only serve to confuse logs and resolvers.
func isHostByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte(".-_:%", c) >= 0
}

// parsePort reads 1 to 5 decimal digits up to 65535.
func parsePort[S string | []byte](s S) (uint16, bool) {
	if len(s) == 0 || len(s) > 5 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return uint16(n), n <= 65535
}
