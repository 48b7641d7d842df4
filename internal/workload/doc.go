// Package workload makes the records that benchmarks send, and checks what
// arrives.
//
// The same values go through every system that is compared. A value is taken
// from random bytes, so that nothing can compress it, and differs from every
// other of its run. It begins with its stamp:
//
//	0        2            8           16
//	+--------+------------+-----------+--------------
//	|producer| sequence   | time      | random bytes
//	+--------+------------+-----------+--------------
//	  big-endian            ns since epoch, only where latency is measured
//
// Making and checking one costs little beside sending it: a copy, and a
// comparison of the stamp and of the last bytes; one record of [wholeEvery] is
// compared byte for byte.
package workload
