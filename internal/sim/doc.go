// Package sim runs whole meshes under one seeded event loop: the real producers,
// consumers, stores and their logs, on a clock, a network and disks that the
// seed controls. Nothing in it has a goroutine: a host is stepped by events, in
// an order that the seed decides, so that a history that fails can be run again.
//
//	World    the clock, the events, the model of what was published
//	host     what one node runs on: it implements mesh.Driver
//	conn     one end of a connection: FIFO, with delay, limits, cuts
//	tap      reads along with what a node sends on a link
//	tower    introduces hosts, with the real directory
//	disk     a crashable file system under the store's real log
//	foreign  what a C node runs on; its habits are those of package habit
//	box      a machine on which one process after the other runs
//	faults   what goes wrong, and how often each thing did
//	heal     what must hold after all of that ended
package sim
