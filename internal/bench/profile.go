package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profileDir is the environment variable that names a directory for CPU
// profiles, one of each process of a run: ROLE-PID.pprof, of all that the process
// does, not only of what is measured. Default: none.
const profileDir = "BECK_BENCH_CPUPROFILE"

// profile starts a CPU profile of this process, if one is asked for, and returns
// what ends it.
func profile(role string) (stop func(), err error) {
	dir := os.Getenv(profileDir)
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", role, os.Getpid())))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", profileDir, err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("%s: %w", profileDir, err)
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil // a broken profile tells itself
}
