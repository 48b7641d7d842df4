package workload

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleep asks the kernel itself: the runtime's timers are rounded to
// milliseconds while nothing else goes on, which would send records in bursts.
func sleep(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil) // interrupted: a record comes early by that much
}
