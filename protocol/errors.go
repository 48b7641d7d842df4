package protocol

import "errors"

// What can be wrong with bytes from the network. Parsers return these values
// bare, so that a flood of bad frames costs no allocation and callers can
// count by cause with errors.Is.
var (
	// ErrTruncated: the frame ends before its last field does.
	ErrTruncated = errors.New("protocol: truncated frame")
	// ErrUnknownKind: the first byte is none of the twelve message ids.
	ErrUnknownKind = errors.New("protocol: unknown message kind")
	// ErrVersion: the version byte behind the topic is not 1.
	ErrVersion = errors.New("protocol: unsupported message version")
	// ErrTopic: a topic is empty, longer than [MaxTopic], or holds a NUL; or
	// the topic that a RECORD or HEAD is addressed to is not its subject.
	ErrTopic = errors.New("protocol: invalid topic: 1 to 255 bytes without NUL are needed")
	// ErrAddress: an address is not 32 upper-case hexadecimal characters.
	ErrAddress = errors.New("protocol: invalid address: 32 upper-case hexadecimal characters are needed")
	// ErrTooMany: a CONSUMER-HELLO lists more than [MaxHelloTopics] topics, or
	// more than fit into the bytes that are there.
	ErrTooMany = errors.New("protocol: too many topics in a hello")
	// ErrLength: an ACK has neither of the two lengths that it can have.
	ErrLength = errors.New("protocol: unexpected bytes behind the last field")
	// ErrTrailer: a trailer is not one complete msgpack map with integer keys
	// whose known values have the right type.
	ErrTrailer = errors.New("protocol: unreadable trailer")
	// ErrStatus: a query or a report is not one complete map of the right shape
	// within its bounds.
	ErrStatus = errors.New("protocol: unreadable query or report")
	// ErrBeacon: a tower or node message has the wrong frames.
	ErrBeacon = errors.New("protocol: malformed beacon")
	// ErrEndpoint: a host or an endpoint cannot be dialled or bound.
	ErrEndpoint = errors.New("protocol: invalid endpoint")
	// ErrInfo: an info frame is too large or no msgpack map of the right shape.
	ErrInfo = errors.New("protocol: unreadable node info")
)
