//go:build unix && !planted

package chaos

// buildFlags are those that the program is built with.
func buildFlags() []string { return nil }
