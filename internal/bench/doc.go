// Package bench measures a mesh: it starts the nodes of one, a process per
// role, lets them carry records that are checked one by one, and reports what
// that took. `beck bench` is its command line.
//
// [Run] is the parent. It starts this program again for each role, with a
// [Role] as argument, which [RunRole] carries out. The two talk as package
// procs says, the records are those of package workload.
package bench
