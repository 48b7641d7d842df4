//go:build !unix

package procs

import "time"

// Not measured on this system.

func cpuTime() time.Duration { return 0 }
func peakRSS() int64         { return 0 }
