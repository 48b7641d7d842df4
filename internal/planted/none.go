//go:build !planted

package planted

// Is reports whether b was chosen: never.
func Is(Bug) bool { return false }
