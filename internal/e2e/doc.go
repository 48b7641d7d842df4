// Package e2e holds the acceptance tests of beck: real processes of the shipped
// program, built once for the run, on loopback ports or in network namespaces
// of their own, with things killed, cut, stalled and flooded in between.
//
// The tests are scaled down to run in about a minute beside others. With
// `go test ./internal/e2e -args -full`, or BECK_FULL=1 in the environment, they
// use the figures of docs/testing.md literally.
package e2e
