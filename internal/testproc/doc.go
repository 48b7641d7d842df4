// Package testproc runs the shipped program as real processes in tests: it
// builds beck, starts, stops and kills it, finds ports for it, and stands
// between nodes with fault proxies. It knows no test: who uses it decides what
// an error means.
package testproc
