//go:build planted

package planted

// chosen is the defect that is there now; "" for none.
var chosen Bug

// Choose puts one defect in place of another, "" for none. Nothing may be running
// meanwhile.
func Choose(b Bug) { chosen = b }

// Is reports whether b was chosen.
func Is(b Bug) bool { return chosen == b }
