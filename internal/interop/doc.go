// Package interop tests beck against the C programs of Dafka: dafka_towerd,
// dafka_stored, dafka_console_producer and dafka_console_consumer, each with
// each of ours, over real files of lines on loopback ports.
//
// It has no code but tests. They need these programs and beck on PATH, and skip
// by name where one is missing:
//
//	make interop
//
// What was seen is in docs/testing.md.
package interop
