package protocol

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

const (
	// MaxTopic is the length limit of a topic's name in bytes: its length
	// travels in one byte.
	MaxTopic = 255
	// MaxSavedName is the length limit of a name of saved positions in bytes.
	MaxSavedName = 128
	// ReservedTopics is what the topics that beck itself writes begin with.
	ReservedTopics = "_beck."
	// PositionsTopic keeps the positions that consumers save; see [Positions].
	PositionsTopic = ReservedTopics + "positions"
	// AddressLen is the length of a node's address in bytes.
	AddressLen = 32
)

// ValidTopic returns nil for a topic of 1 to [MaxTopic] bytes without NUL, and
// [ErrTopic] for any other. Topics need not be UTF-8.
func ValidTopic(topic string) error {
	if !isTopic(topic) {
		return ErrTopic
	}
	return nil
}

// ValidAddress returns nil for 32 upper-case hexadecimal characters, and
// [ErrAddress] for anything else.
func ValidAddress(address string) error {
	if !isAddress(address) {
		return ErrAddress
	}
	return nil
}

// NewAddress returns a new random address: a version 4 UUID without dashes.
func NewAddress() string {
	var u [AddressLen / 2]byte
	rand.Read(u[:]) // never fails: the program is ended instead
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return strings.ToUpper(hex.EncodeToString(u[:]))
}

// Subscription returns what to subscribe to in order to get the messages of
// kind k that are addressed to a node or a topic, and nothing else. Without the
// NUL a subscription is a prefix and "hello" would get the records of "hello2"
// as well. An empty "to" subscribes to every message of the kind.
func Subscription(k Kind, to string) string {
	if to == "" {
		return string(rune(k))
	}
	return string(rune(k)) + to + "\x00"
}

// SplitSubscription takes a subscription apart, a peer's or our own. Kind is
// not checked; exact says whether "to" is a whole name and not a prefix of one.
// The result aliases topic. An empty subscription, to everything, has kind 0.
func SplitSubscription(topic []byte) (k Kind, to []byte, exact bool) {
	if len(topic) == 0 {
		return 0, nil, false
	}
	k, to = Kind(topic[0]), topic[1:]
	if n := len(to); n > 0 && to[n-1] == 0 {
		return k, to[:n-1], true
	}
	return k, to, false
}

// isTopic is ValidTopic for both kinds of text.
func isTopic[S string | []byte](s S) bool {
	if len(s) == 0 || len(s) > MaxTopic {
		return false
	}
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
	}
	return true
}

// isAddress is ValidAddress for both kinds of text.
func isAddress[S string | []byte](s S) bool {
	if len(s) != AddressLen {
		return false
	}
	bad := byte(0)
	for i := range AddressLen {
		bad |= notHex[s[i]]
	}
	return bad == 0
}

// notHex is 0 for the sixteen upper-case digits, 1 for all other bytes.
var notHex = func() (t [256]byte) {
	for i := range t {
		if strings.IndexByte("0123456789ABCDEF", byte(i)) < 0 {
			t[i] = 1
		}
	}
	return t
}()
