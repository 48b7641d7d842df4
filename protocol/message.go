package protocol

import (
	"bytes"
	"encoding/binary"
)

const (
	// version is the byte behind the topic's NUL in every message.
	version = 1
	// MaxHelloTopics is how many topics one CONSUMER-HELLO may list. More are
	// refused, so that a frame cannot make a reader allocate five times its
	// size; a consumer of more topics sends several hellos.
	MaxHelloTopics = 1 << 16
)

// Message is frame 0 of a message. The slices alias the frame it was parsed
// from. The content, frame 1 of RECORD and DIRECT-RECORD, is not part of it.
type Message struct {
	Kind Kind
	// To is what the frame is addressed to: the topic of M, H, S and G (empty in
	// a G that asks for all topics), the receiver's address in the others.
	To []byte
	// Sender is an address: the producer in M, D, H, S and E, the requester in F,
	// the consumer in G and W, the store in L. In K it is empty (C nodes) or
	// the sender (RFC 46).
	Sender []byte
	// Subject is the topic's name. Empty in G, W and L.
	Subject []byte
	// Sequence is the record's number, the first one wanted in F, the last one
	// there is in H and E, the last one stored in K and S. All values are possible.
	Sequence uint64
	// Count is how many records F asks for. Any value: the receiver limits it.
	Count uint32
	// Topics are those that W lists, at most MaxHelloTopics.
	Topics [][]byte
	// Trailer is whatever follows the last field, unparsed; see ParseTrailer.
	// Always empty in K.
	Trailer []byte
}

// Parse takes frame 0 apart and checks everything in it but the trailer. It
// allocates nothing except Topics. On error only Kind is set, to the frame's
// first byte, and the error is one of ErrTruncated, ErrUnknownKind, ErrVersion,
// ErrTopic, ErrAddress, ErrTooMany and ErrLength.
func Parse(frame []byte) (Message, error) {
	if len(frame) == 0 {
		return Message{}, ErrTruncated
	}
	m := Message{Kind: Kind(frame[0])}
	if err := m.parse(frame[1:], shapes[frame[0]]); err != nil {
		return Message{Kind: m.Kind}, err
	}
	return m, nil
}

func (m *Message) parse(b []byte, s shape) (err error) {
	if s == 0 {
		return ErrUnknownKind
	}
	if b, err = m.parseTo(b, s); err != nil {
		return err
	}
	if m.Kind == KindAck && isLongAck(b) {
		s |= hasSender
	}
	if s&hasSender != 0 {
		if b, err = m.parseSender(b); err != nil {
			return err
		}
	}
	if s&hasSubject != 0 {
		if b, err = m.parseSubject(b, s); err != nil {
			return err
		}
	}
	if s&hasCount != 0 {
		if len(b) < 4 {
			return ErrTruncated
		}
		m.Count, b = binary.BigEndian.Uint32(b), b[4:]
	}
	if s&hasTopics != 0 {
		if b, err = m.parseTopics(b); err != nil {
			return err
		}
	}
	if m.Kind == KindAck && len(b) > 0 {
		return ErrLength
	}
	if len(b) > 0 {
		m.Trailer = b[:len(b):len(b)] // appending to it must not reach what follows the frame
	}
	return nil
}

// parseTo reads what the frame is addressed to, the NUL and the version.
func (m *Message) parseTo(b []byte, s shape) ([]byte, error) {
	n := AddressLen
	if s&toAddress == 0 {
		if n = bytes.IndexByte(b[:min(len(b), MaxTopic+1)], 0); n < 0 {
			if len(b) > MaxTopic {
				return nil, ErrTopic
			}
			return nil, ErrTruncated
		}
		if n == 0 && s&toTopicOpen == 0 {
			return nil, ErrTopic
		}
	}
	if len(b) < n+2 {
		return nil, ErrTruncated
	}
	if s&toAddress != 0 && (b[n] != 0 || !isAddress(b[:n])) {
		return nil, ErrAddress
	}
	if b[n+1] != version {
		return nil, ErrVersion
	}
	m.To = b[:n:n]
	return b[n+2:], nil
}

func (m *Message) parseSender(b []byte) ([]byte, error) {
	if len(b) > 0 && b[0] != AddressLen {
		return nil, ErrAddress
	}
	if len(b) < 1+AddressLen {
		return nil, ErrTruncated
	}
	m.Sender = b[1 : 1+AddressLen : 1+AddressLen]
	if !isAddress(m.Sender) {
		return nil, ErrAddress
	}
	return b[1+AddressLen:], nil
}

// parseSubject reads the subject and the sequence that always follows it.
func (m *Message) parseSubject(b []byte, s shape) ([]byte, error) {
	if len(b) == 0 {
		return nil, ErrTruncated
	}
	n := 1 + int(b[0])
	if len(b) < n+8 {
		return nil, ErrTruncated
	}
	m.Subject = b[1:n:n]
	if s&toTopic != 0 { // To has no NUL and is not empty: equal is valid
		if !bytes.Equal(m.Subject, m.To) {
			return nil, ErrTopic
		}
	} else if !isTopic(m.Subject) {
		return nil, ErrTopic
	}
	m.Sequence = binary.BigEndian.Uint64(b[n:])
	return b[n+8:], nil
}

// parseTopics reads the list of a hello. The list is walked once to check it,
// and only then is memory taken for it.
func (m *Message) parseTopics(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, ErrTruncated
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	if n > MaxHelloTopics || uint64(n)*5 > uint64(len(b)) {
		return nil, ErrTooMany
	}
	for i, rest := uint32(0), b; i < n; i++ {
		topic, next, err := cutTopic(rest)
		if err != nil {
			return nil, err
		}
		if !isTopic(topic) {
			return nil, ErrTopic
		}
		rest = next
	}
	if n > 0 {
		m.Topics = make([][]byte, n)
	}
	for i := range m.Topics {
		m.Topics[i], b, _ = cutTopic(b)
	}
	return b, nil
}

// cutTopic takes one long string from the front of b.
func cutTopic(b []byte) (topic, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, ErrTruncated
	}
	n := uint64(binary.BigEndian.Uint32(b)) + 4
	if n > 4+MaxTopic {
		return nil, nil, ErrTopic
	}
	if n > uint64(len(b)) {
		return nil, nil, ErrTruncated
	}
	return b[4:n:n], b[n:], nil
}

// isLongAck reports whether the fields of an ACK are those of RFC 46. A C
// node's ACK that begins with the same byte is 41 bytes long: too short for it.
func isLongAck(b []byte) bool {
	const subject = 1 + AddressLen
	return len(b) > subject && b[0] == AddressLen && len(b) == subject+1+int(b[subject])+8
}
