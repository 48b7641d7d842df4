// Command bench compares beck with its peers and with what the machine can do,
// doing the same work with the same records on each, in turn, in one run:
//
//	bench compare   every system in every mode, in rounds; medians
//	bench cost      what a record costs as something grows
//
// `make compare` in the repository runs the first. It is a module of its own, so
// that nothing of the peers reaches those who use beck.
//
// A run of a system is described by a plan: a server if there is one, senders
// and receivers, each a process. The processes are this program again, with a
// role as argument, or other programs that a role looks after; beck runs as
// users run it, as `beck bench`. The records, the checks, and what is reported
// are those of `beck bench`: see internal/workload.
package main
