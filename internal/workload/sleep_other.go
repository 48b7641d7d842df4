//go:build !linux

package workload

import "time"

func sleep(d time.Duration) { time.Sleep(d) }
