//go:build planted

package planted

// chosen is set by the linker: -ldflags "-X …/internal/planted.chosen=NAME".
var chosen string

// Is reports whether b was built in.
func Is(b Bug) bool { return chosen == string(b) }
