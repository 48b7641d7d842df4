//go:build !planted

package planted

// Is reports whether b was built in: never.
func Is(Bug) bool { return false }
