package procs

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// StatusBytes returns a size from Linux' /proc/PID/status, such as VmHWM, the
// peak of resident memory. getrusage would do if it did not count what the
// parent had when it started this process.
func StatusBytes(pid, field string) (int64, bool) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if words := strings.Fields(rest); name == field && len(words) == 2 {
			n, err := strconv.ParseInt(words[0], 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}

// clockTick is the unit of /proc/PID/stat on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// ForeignUsage returns what a process that is not ours has used since it
// started, on Linux, in steps of 10 ms; elsewhere nothing.
func ForeignUsage(pid int) Usage {
	id := strconv.Itoa(pid)
	var u Usage
	u.PeakRSS, _ = StatusBytes(id, "VmHWM")
	text, err := os.ReadFile("/proc/" + id + "/stat")
	if err != nil {
		return u
	}
	// The name, in brackets, may hold anything; user and system time are the
	// 12th and 13th field behind it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	for _, i := range []int{11, 12} {
		if i < len(fields) {
			ticks, _ := strconv.ParseInt(fields[i], 10, 64)
			u.CPUSeconds += (time.Duration(ticks) * clockTick).Seconds()
		}
	}
	return u
}
