package zmtp

import (
	"errors"
	"fmt"
	"io"
)

// DefaultBlock is the size in bytes up to which the block of a Reader grows
// unless its Limits say otherwise.
const DefaultBlock = 256 << 10

const (
	defaultMessage = 16 << 20
	defaultFrames  = 8
	firstBlock     = 4 << 10
	blockStep      = 4  // factor between one size of block and the next
	quietReads     = 64 // reads in a row that a smaller block had held
)

var (
	// ErrMessageTooLarge is a message whose frames claim more bytes than
	// Limits.Message. It is reported as soon as they are claimed.
	ErrMessageTooLarge = errors.New("zmtp: message too large")
	// ErrTooManyFrames is a message of more than Limits.Frames frames, or with
	// more commands than that in between.
	ErrTooManyFrames = errors.New("zmtp: too many frames in a message")
)

// Limits bounds what a Reader accepts and how much memory it takes.
type Limits struct {
	// Message is the largest message, as the sum in bytes of the bodies of its
	// frames; a command counts as a message. Default 16 MiB. A smaller one suits
	// links on which only subscriptions are expected.
	Message int
	// Frames is the largest number of frames in a message. Default 8.
	Frames int
	// Block is the size in bytes up to which the block grows that one read of
	// the connection fills, at least 4 KiB. Default 256 KiB. More saves calls of
	// the system on fast links, less saves memory where links are many.
	Block int
}

// orDefaults returns l with the default in place of each value that is not set.
func (l Limits) orDefaults() Limits {
	if l.Message <= 0 {
		l.Message = defaultMessage
	}
	if l.Frames <= 0 {
		l.Frames = defaultFrames
	}
	if l.Block <= 0 {
		l.Block = DefaultBlock
	}
	l.Block = max(l.Block, firstBlock)
	return l
}

// Msg is one message or one command.
type Msg struct {
	// Command tells that Frames is the single frame of a command, to be read
	// by ParseCommand.
	Command bool
	// Frames are the bodies of the frames. The outer slice is valid until the
	// next call of Next, the bodies until the next Fill or, with Detach, for
	// ever.
	Frames [][]byte
}

// Reader cuts the bytes of a connection into messages. It is used by one
// goroutine, in turns: one Fill, which reads once, then Next until there is no
// more.
//
//	block | taken by the caller | message not complete | free, for Fill |
//	      0                     r                      w        len(block)
//
// The block starts small, grows while reads fill it, and shrinks when they stop
// doing so. A message that does not fit gets a larger block of its own for as
// long as it takes, at most four times what has arrived of it: a size that a
// peer claims costs nothing until the peer has sent a quarter of it.
type Reader struct {
	src    io.Reader
	limits Limits

	block []byte
	r, w  int
	kept  bool   // the caller keeps slices of block[:r]: append only
	spare []byte // the next block, if it is to be of that size

	size  int // what an ordinary block should measure now
	quiet int // reads in a row that used less than the next smaller block
	need  int // bytes from r to the end of the frame that is not complete

	frames [][]byte  // of the message being cut
	late   [][]byte  // commands that came between its frames
	lone   [1][]byte // Frames of a command
	queued int       // commands of late that Next has still to return
	failed error     // error that a read returned together with bytes

	received uint64 // bytes, in all
}

// NewReader returns a Reader of what src, usually a net.Conn after Handshake,
// delivers. A limit that is zero or less takes its default.
func NewReader(src io.Reader, l Limits) *Reader {
	l = l.orDefaults()
	return &Reader{
		src:    src,
		limits: l,
		size:   firstBlock,
		frames: make([][]byte, 0, min(l.Frames, defaultFrames)),
	}
}

// Fill reads once from the connection. It is called when Next has nothing more,
// and ends the life of the slices handed out, unless Detach was called. It
// returns what the read returned: io.EOF only between messages, and
// io.ErrUnexpectedEOF within one. Errors of a deadline leave the Reader intact.
func (r *Reader) Fill() error {
	err := r.failed
	if r.failed = nil; err == nil {
		r.makeRoom()
		var n int
		n, err = r.src.Read(r.block[r.w:])
		r.w += n
		r.received += uint64(n)
		r.fit(n)
		if n > 0 && err != nil {
			r.failed, err = err, nil // the bytes first
		}
	}
	if err == io.EOF && r.w > r.r {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Next cuts the next message or command out of what has been read. It does no
// I/O and allocates nothing. false without an error means that there is no
// complete one: call Fill. An error is final: ErrBadFrame, ErrMessageTooLarge
// or ErrTooManyFrames.
//
// A command that a peer squeezed between the frames of a message (libzmq does
// so with PING) comes right after that message.
func (r *Reader) Next() (Msg, bool, error) {
	if r.queued > 0 {
		return r.nextLate(), true, nil
	}
	frames, late, pos, sum := r.frames[:0], r.late[:0], r.r, 0
	for {
		flags, size, n, err := parseFrameHeader(r.block[pos:r.w])
		if err != nil {
			return Msg{}, false, err
		}
		if n == 0 {
			r.need = pos - r.r + longHeader
			return Msg{}, false, nil
		}
		if size > uint64(r.limits.Message-sum) {
			return Msg{}, false, fmt.Errorf("%w: %d bytes and more, limit %d", ErrMessageTooLarge, size, r.limits.Message)
		}
		if len(frames) == r.limits.Frames || len(late) == r.limits.Frames {
			return Msg{}, false, fmt.Errorf("%w: limit %d", ErrTooManyFrames, r.limits.Frames)
		}
		start, end := pos+n, pos+n+int(size)
		if end > r.w {
			r.need = end - r.r
			return Msg{}, false, nil
		}
		body := r.block[start:end:end]
		pos, sum = end, sum+int(size)
		switch {
		case flags&FlagCommand == 0:
			frames = append(frames, body)
		case len(frames) == 0:
			r.r, r.lone[0] = pos, body
			return Msg{Command: true, Frames: r.lone[:]}, true, nil
		default:
			late = append(late, body)
			continue
		}
		if flags&FlagMore == 0 {
			r.r, r.frames, r.late, r.queued = pos, frames, late, len(late)
			return Msg{Frames: frames}, true, nil
		}
	}
}

// Receive returns the next message or command, for whoever may wait: it reads from the
// connection as often as it takes until there is one. Errors are those of Next and
// Fill.
func (r *Reader) Receive() (Msg, error) {
	for {
		m, ok, err := r.Next()
		if err != nil || ok {
			return m, err
		}
		if err := r.Fill(); err != nil {
			return Msg{}, err
		}
	}
}

// Received returns how many bytes have been read.
func (r *Reader) Received() uint64 { return r.received }

// nextLate returns the next of the commands that came within the message which
// Next returned before.
func (r *Reader) nextLate() Msg {
	r.lone[0] = r.late[len(r.late)-r.queued]
	r.queued--
	return Msg{Command: true, Frames: r.lone[:]}
}

// Detach gives the bodies of all messages returned since the last Fill to the
// caller: they stay as they are for ever. The block is then only appended to,
// and left to the caller when little room is left behind what it holds. A body
// that is kept keeps its whole block, of Limits.Block or the size of its
// message, from being freed.
func (r *Reader) Detach() { r.kept = true }

// Memory returns the block that is being filled, whole, to tell one from the next
// and to Lend it later.
func (r *Reader) Memory() []byte { return r.block }

// Lend gives the Reader a block of ordinary size to use when it needs the next
// one: memory to which nothing refers any more. It reports whether the Reader
// took it, which it does not while it has one, or blocks of another size.
func (r *Reader) Lend(block []byte) bool {
	if r.spare != nil || len(block) != r.size {
		return false
	}
	r.spare = block
	return true
}

// makeRoom leaves free space behind w: in the same block, by moving what is not
// complete to its start, or in another.
func (r *Reader) makeRoom() {
	pending := r.w - r.r
	size := r.blockSize(pending)
	if size == len(r.block) {
		if r.kept && r.roomBehind(pending) {
			return
		}
		if !r.kept {
			if r.r > 0 {
				copy(r.block, r.block[r.r:r.w])
				r.r, r.w = 0, pending
			}
			return
		}
	}
	r.replace(size)
}

// roomBehind tells whether a block that is only appended to is worth another
// read: a quarter of it is free and the frame at hand fits.
func (r *Reader) roomBehind(pending int) bool {
	free := len(r.block) - r.w
	return free >= len(r.block)/4 && r.need-pending <= free
}

// blockSize says what the block should measure for the next read, when pending
// bytes of a message have arrived: the ordinary size if the message fits, else
// the present one while a quarter of it is free or the frame fits, else the
// frame's, but no more than four times what has arrived.
func (r *Reader) blockSize(pending int) int {
	need := max(r.need, pending+1)
	if need <= r.size || pending == 0 {
		return r.size
	}
	now := len(r.block)
	if now >= r.size && pending < now && (need <= now || now-pending >= now/4) {
		return now
	}
	// Room for the next header too, and to double, so that a message of several
	// large frames is not moved for each of them.
	return max(r.size, min(max(need+firstBlock, 2*pending), 4*pending))
}

// replace continues in another block of the given size with what is not
// complete of the present one.
func (r *Reader) replace(size int) {
	old, pending := r.block, r.block[r.r:r.w]
	var next []byte
	if len(r.spare) == size {
		next, r.spare = r.spare, nil
	} else {
		next = make([]byte, size)
	}
	if !r.kept && len(old) == r.size && size > r.size {
		r.spare = old // the way back from one large message is free
	}
	r.r, r.w, r.block, r.kept = 0, copy(next, pending), next, false
	// The headers of the last message would keep the old block alive.
	clear(r.frames[:cap(r.frames)])
	clear(r.late[:cap(r.late)])
	r.lone[0] = nil
}

// fit adapts the ordinary size of the block to a read that returned n bytes.
func (r *Reader) fit(n int) {
	switch {
	case r.w == len(r.block):
		r.size, r.quiet = min(r.size*blockStep, r.limits.Block), 0
	case n > r.size/blockStep || r.size == firstBlock:
		r.quiet = 0
	default:
		if r.quiet++; r.quiet == quietReads {
			r.size, r.quiet = max(r.size/blockStep, firstBlock), 0
		}
	}
}
