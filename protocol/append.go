package protocol

import "encoding/binary"

// The Append functions append frame 0 of a message to dst and return the
// longer slice; they allocate only where dst lacks room. Topics must have
// passed ValidTopic and addresses ValidAddress: what is too long for its length
// byte is a bug of this program and panics. A [Trailer] may be appended behind
// every message but ACK.

// AppendRecord appends a RECORD of a topic, addressed to the topic's readers.
func AppendRecord(dst []byte, topic, producer string, seq uint64) []byte {
	return appendSequenced(dst, KindRecord, topic, producer, topic, seq)
}

// AppendDirectRecord appends a DIRECT-RECORD to the node that fetched it;
// producer and subject say whose record it is.
func AppendDirectRecord(dst []byte, to, producer, subject string, seq uint64) []byte {
	return appendSequenced(dst, KindDirectRecord, to, producer, subject, seq)
}

// AppendFetch appends a FETCH of count records of a producer and subject from
// sequence seq on, to be answered to requester.
func AppendFetch(dst []byte, producer, requester, subject string, seq uint64, count uint32) []byte {
	dst = appendSequenced(dst, KindFetch, producer, requester, subject, seq)
	return binary.BigEndian.AppendUint32(dst, count)
}

// AppendAck appends an ACK in the form of C nodes: every record of the producer
// up to and with seq is stored. Nothing may be appended behind it.
func AppendAck(dst []byte, producer, subject string, seq uint64) []byte {
	return appendSequenced(dst, KindAck, producer, "", subject, seq)
}

// AppendHead appends a HEAD: seq is the producer's last sequence in the topic.
func AppendHead(dst []byte, topic, producer string, seq uint64) []byte {
	return appendSequenced(dst, KindHead, topic, producer, topic, seq)
}

// AppendStored appends a STORED: the sending store has everything of a producer's
// topic up to and with seq on disk.
func AppendStored(dst []byte, topic, producer string, seq uint64) []byte {
	return appendSequenced(dst, KindStored, topic, producer, topic, seq)
}

// AppendDirectHead appends a DIRECT-HEAD to one node: seq is the last sequence
// that the sender has of a producer and subject.
func AppendDirectHead(dst []byte, to, producer, subject string, seq uint64) []byte {
	return appendSequenced(dst, KindDirectHead, to, producer, subject, seq)
}

// AppendGetHeads appends a GET-HEADS for a topic, "" for all topics, to be
// answered to consumer.
func AppendGetHeads(dst []byte, topic, consumer string) []byte {
	return appendString(appendTo(dst, KindGetHeads, topic), consumer)
}

// AppendConsumerHello appends a CONSUMER-HELLO to a store with the topics that
// the consumer reads: at most [MaxHelloTopics], more panic.
func AppendConsumerHello(dst []byte, store, consumer string, topics []string) []byte {
	dst = appendString(appendTo(dst, KindConsumerHello, store), consumer)
	return appendTopics(dst, topics)
}

// AppendStoreHello appends a STORE-HELLO to a consumer.
func AppendStoreHello(dst []byte, consumer, store string) []byte {
	return appendString(appendTo(dst, KindStoreHello, consumer), store)
}

// Append appends m as Parse read it, the trailer included: what was parsed
// comes out as the same bytes. Like the other Append functions it panics on
// fields too long for their length bytes, and on a Kind that is no message.
func (m *Message) Append(dst []byte) []byte {
	s := shapes[m.Kind]
	switch {
	case s == 0:
		panic("protocol: append of unknown message kind " + m.Kind.String())
	case s&hasSubject != 0:
		dst = appendSequenced(dst, m.Kind, m.To, m.Sender, m.Subject, m.Sequence)
	default:
		dst = appendString(appendTo(dst, m.Kind, m.To), m.Sender)
	}
	if s&hasCount != 0 {
		dst = binary.BigEndian.AppendUint32(dst, m.Count)
	}
	if s&hasTopics != 0 {
		dst = appendTopics(dst, m.Topics)
	}
	if m.Kind == KindAck {
		return dst
	}
	return append(dst, m.Trailer...)
}

// appendSequenced appends the start of a frame up to its sequence. Only an ACK
// may come without sender.
func appendSequenced[S string | []byte](dst []byte, k Kind, to, sender, subject S, seq uint64) []byte {
	dst = appendTo(dst, k, to)
	if k != KindAck || len(sender) > 0 {
		dst = appendString(dst, sender)
	}
	return binary.BigEndian.AppendUint64(appendString(dst, subject), seq)
}

func appendTo[S string | []byte](dst []byte, k Kind, to S) []byte {
	dst = append(dst, byte(k))
	dst = append(dst, to...)
	return append(dst, 0, version)
}

func appendString[S string | []byte](dst []byte, s S) []byte {
	if len(s) > 255 {
		panic("protocol: append of a string above 255 bytes")
	}
	dst = append(dst, byte(len(s)))
	return append(dst, s...)
}

func appendTopics[S string | []byte](dst []byte, topics []S) []byte {
	if len(topics) > MaxHelloTopics {
		panic("protocol: append of a hello with too many topics")
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(topics)))
	for _, t := range topics {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(t)))
		dst = append(dst, t...)
	}
	return dst
}
