package zmtp

import (
	"errors"
	"fmt"
)

// Names of the commands that the package reads or writes.
const (
	CommandReady     = "READY"
	CommandError     = "ERROR"
	CommandPing      = "PING"
	CommandPong      = "PONG"
	CommandSubscribe = "SUBSCRIBE"
	CommandCancel    = "CANCEL"
)

const (
	pingTTL        = 2  // bytes of time-to-live at the start of a PING's data
	pingContextMax = 16 // bytes of context that a PING may carry
)

// ErrBadCommand is a command frame that does not begin with a name of 1 to 255
// bytes. The framing is intact: the connection can go on.
var ErrBadCommand = errors.New("zmtp: bad command")

// ParseCommand splits the body of a command frame into the command's name and
// its data. Both alias frame. Comparing string(name) with a constant does not
// allocate. The only error is ErrBadCommand.
func ParseCommand(frame []byte) (name, data []byte, err error) {
	if len(frame) == 0 || frame[0] == 0 {
		return nil, nil, fmt.Errorf("%w: no name", ErrBadCommand)
	}
	end := 1 + int(frame[0])
	if end > len(frame) {
		return nil, nil, fmt.Errorf("%w: name cut short", ErrBadCommand)
	}
	return frame[1:end], frame[end:], nil
}

// AppendCommand appends a whole command frame to dst and returns the extended
// slice. name is 1 to 255 bytes; anything else is a bug and panics.
func AppendCommand(dst []byte, name string, data []byte) []byte {
	if len(name) == 0 || len(name) > 255 {
		panic("zmtp: command name must have 1 to 255 bytes")
	}
	dst = AppendFrameHeader(dst, FlagCommand, 1+len(name)+len(data))
	dst = append(dst, byte(len(name)))
	dst = append(dst, name...)
	return append(dst, data...)
}

// AppendPong appends the PONG frame that answers a PING to dst and returns the
// extended slice. pingData is what ParseCommand returned as the PING's data:
// two bytes of time-to-live and up to 16 bytes of context, which the PONG gives
// back. A longer context is cut, so that an answer is never larger than that.
func AppendPong(dst []byte, pingData []byte) []byte {
	context := pingData[min(pingTTL, len(pingData)):]
	return AppendCommand(dst, CommandPong, context[:min(pingContextMax, len(context))])
}
