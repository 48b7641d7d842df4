package protocol

import "fmt"

// Kind is the first byte of frame 0: which of the twelve messages it is.
type Kind byte

// The nine messages of Dafka, and three of ours, which go only to those who
// subscribed to them: C nodes never see them.
const (
	KindRecord        Kind = 'M' // producer to everybody: one record
	KindDirectRecord  Kind = 'D' // answer to a FETCH: one record
	KindFetch         Kind = 'F' // ask for records from a sequence on
	KindAck           Kind = 'K' // store to producer: stored up to a sequence
	KindHead          Kind = 'H' // producer to everybody: its last sequence
	KindDirectHead    Kind = 'E' // answer to GET-HEADS, or to a FETCH in vain
	KindGetHeads      Kind = 'G' // ask stores for the heads of a topic
	KindConsumerHello Kind = 'W' // consumer to store: the topics it reads
	KindStoreHello    Kind = 'L' // store to consumer: asks for its hello
	KindStored        Kind = 'S' // store to everybody: its last sequence on disk
	KindQuery         Kind = 'Q' // ask a node about itself: see [Query]
	KindReport        Kind = 'R' // answer to a QUERY: see [Report]
)

// String returns the name RFC 46 gives the message, "RECORD" for instance.
func (k Kind) String() string {
	switch k {
	case KindRecord:
		return "RECORD"
	case KindDirectRecord:
		return "DIRECT-RECORD"
	case KindFetch:
		return "FETCH"
	case KindAck:
		return "ACK"
	case KindHead:
		return "HEAD"
	case KindDirectHead:
		return "DIRECT-HEAD"
	case KindGetHeads:
		return "GET-HEADS"
	case KindConsumerHello:
		return "CONSUMER-HELLO"
	case KindStoreHello:
		return "STORE-HELLO"
	case KindStored:
		return "STORED"
	case KindQuery:
		return "QUERY"
	case KindReport:
		return "REPORT"
	}
	return fmt.Sprintf("UNKNOWN(0x%02X)", byte(k))
}

// Valid reports whether k is one of the twelve messages.
func (k Kind) Valid() bool { return shapes[k] != 0 }

// HasContent reports whether a second frame, the content, follows frame 0.
func (k Kind) HasContent() bool { return k == KindRecord || k == KindDirectRecord }

// ToAddress reports whether frame 0 is addressed to a node rather than to the
// readers of a topic.
func (k Kind) ToAddress() bool { return shapes[k]&toAddress != 0 }

// shape says what frame 0 of a kind consists of.
type shape uint8

const (
	toTopic     shape = 1 << iota // addressed to a topic, which is the subject too
	toTopicOpen                   // addressed to a topic or to "", all topics
	toAddress                     // addressed to a node
	hasSender
	hasSubject // subject and sequence
	hasCount
	hasTopics
)

// shapes is indexed by the first byte; 0 is no message. ACK has no sender here:
// that form is tried first and the other one known by its length.
var shapes = [256]shape{
	KindRecord:        toTopic | hasSender | hasSubject,
	KindDirectRecord:  toAddress | hasSender | hasSubject,
	KindFetch:         toAddress | hasSender | hasSubject | hasCount,
	KindAck:           toAddress | hasSubject,
	KindHead:          toTopic | hasSender | hasSubject,
	KindDirectHead:    toAddress | hasSender | hasSubject,
	KindGetHeads:      toTopicOpen | hasSender,
	KindConsumerHello: toAddress | hasSender | hasTopics,
	KindStoreHello:    toAddress | hasSender,
	KindStored:        toTopic | hasSender | hasSubject,
	KindQuery:         toAddress | hasSender,
	KindReport:        toAddress | hasSender,
}
