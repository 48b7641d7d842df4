// Package foreign plays the nodes of C Dafka in tests, so that what our nodes
// answer to them, and what they survive of them, is tested where no C program
// is. It speaks ZMTP by package zmtp and knows nothing of our nodes.
//
// A Node is the raw thing: it listens, joins a tower, dials every node that the
// tower names and subscribes to what it was told to want, all as C nodes do:
//
//   - its links have no identity, its beacons no info frame;
//   - it is one publisher and one subscriber, whatever its role;
//   - it sends a message to everybody who subscribed to it.
//
// A test sends what it likes by it and looks at what comes. Producer and Store
// are nodes that act by themselves, with the faults that were seen of the C
// programs: see package habit.
//
// Everything ends with the test.
package foreign
