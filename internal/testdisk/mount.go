package testdisk

import "testing"

// Mount returns a directory with an empty file system of its own, in memory, of so
// many bytes, which goes with the test. Where the test may not mount one, which
// takes Linux and root, it is skipped, saying so.
func Mount(t testing.TB, bytes int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := mount(dir, bytes); err != nil {
		t.Skipf("no file system can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
