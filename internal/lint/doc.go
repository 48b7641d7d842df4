// Package lint holds the rules of this repository that a compiler does not
// know, as tests: which layer may import which, what the core must not touch,
// where a library may be used, how long a file may be, and formatting.
//
// The rules are data at the top of rules_test.go. A new package is entered in
// the layer table there, or the test fails and names it.
package lint
