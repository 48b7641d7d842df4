// Package chaos holds real processes of beck to their promises while they are
// killed, stopped, cut off and lied to by the network.
//
//	tower, 3 stores         the shipped program, as `beck` processes
//	4 producers, 4 consumers, probe
//	                        this test binary, run again in a role
//
// The parent holds no node. It plays a schedule of faults that follows from a
// seed, and keeps the ledger: the children tell it, over pipes that outlive
// them, what the application was told was acknowledged, and what it was given.
// What a record contains is a function of its producer, topic and offset, so
// that every delivery can be checked byte for byte, by whoever gets it.
//
// After the faults everything must heal, each in its time; then all consumers go
// on once more where they saved that they were, and each store is started alone
// and replayed. docs/testing.md says how to read the outcome.
package chaos
