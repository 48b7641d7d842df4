//go:build !planted

package planted_test

// tags are what the program is built with.
var tags []string
