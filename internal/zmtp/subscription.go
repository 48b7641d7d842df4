package zmtp

const (
	cancelByte    = 0 // first byte of a cancelling message
	subscribeByte = 1 // first byte of a subscribing message
)

// ParseSubscription reads a subscription or its cancellation in either of the
// encodings in use: a message of one frame, 01 or 00 and the topic, as peers
// send it that were greeted with ZMTP 3.0, and the SUBSCRIBE and CANCEL commands
// of 3.1. topic aliases m and may be empty, which matches everything. ok is
// false when m is something else. Subscriptions are counted: two of the same
// topic need two cancellations.
func ParseSubscription(m Msg) (topic []byte, subscribe, ok bool) {
	if len(m.Frames) != 1 {
		return nil, false, false
	}
	if !m.Command {
		frame := m.Frames[0]
		if len(frame) == 0 || frame[0] > subscribeByte {
			return nil, false, false
		}
		return frame[1:], frame[0] == subscribeByte, true
	}
	name, data, err := ParseCommand(m.Frames[0])
	if err != nil {
		return nil, false, false
	}
	switch string(name) {
	case CommandSubscribe:
		return data, true, true
	case CommandCancel:
		return data, false, true
	}
	return nil, false, false
}

// AppendSubscription appends a whole message that subscribes to topic, or
// cancels one such subscription, to dst and returns the extended slice. It is
// the message encoding, the only one that fits a greeting with ZMTP 3.0.
func AppendSubscription(dst, topic []byte, subscribe bool) []byte {
	dst = AppendFrameHeader(dst, 0, 1+len(topic))
	if subscribe {
		dst = append(dst, subscribeByte)
	} else {
		dst = append(dst, cancelByte)
	}
	return append(dst, topic...)
}
