package journal

import (
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/protocol"
)

const (
	// DefaultSegmentBytes is the default of [Options.SegmentBytes].
	DefaultSegmentBytes = 64 << 20
	// MaxRecord is the limit of one record, value and trailer, in bytes.
	MaxRecord = 1 << 30
	// MaxTopics is how many topics a journal takes in its life: a topic is
	// never forgotten, because its sequences must not begin again.
	MaxTopics = 1 << 16
)

const (
	// frameBytes is the size from which on a frame takes no more records. What
	// is read back is read frame by frame.
	frameBytes = 256 << 10
	// carryBytes is up to what size the last segment is merged into the new one
	// when a journal is opened, so that restarts do not leave many small files.
	carryBytes = 1 << 20
	// keepBytes is the largest buffer that is kept for the next round.
	keepBytes = 8 << 20
)

// Options are the settings of a [Journal]. The zero value is good for a
// producer.
type Options struct {
	// FS is the file system. Default: the operating system's. Tests pass a
	// crashable one.
	FS vfs.FS
	// SegmentBytes is the size from which on a new file is begun, 4 KiB to
	// 1 TiB. Default 64 MiB. Space is freed a file at a time: about this much
	// lies on disk beyond what is not acknowledged. Smaller files free space
	// sooner and cost two more fsyncs each.
	SegmentBytes int64
	// Logger gets what was cut or set aside. Default: slog.Default.
	Logger *slog.Logger
	// NewUUID makes the address of a new journal. Default protocol.NewAddress.
	NewUUID func() string
}

// withDefaults returns o with every unset field set, or an error that names
// the field that is out of bounds.
func (o Options) withDefaults() (Options, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.NewUUID == nil {
		o.NewUUID = protocol.NewAddress
	}
	if min, max := int64(4<<10), int64(1<<40); o.SegmentBytes < min || o.SegmentBytes > max {
		return o, fmt.Errorf("SegmentBytes is %d, must be %d to %d", o.SegmentBytes, min, max)
	}
	return o, nil
}
