// Package procs runs a measurement whose roles are processes: a parent that
// starts them, and children that run the same program with other arguments.
//
// They talk in lines of JSON. A child says on its standard output that it is
// ready, how far it is, that it is done, what it used; its parent says on the
// child's standard input what to do. When that ends, because the parent closed
// it or died in any way, the child leaves. So nothing is left behind.
//
//	parent                       child
//	  Group.Start       ──▶      NewWorker
//	  Process.AwaitReady ◀──     Ready
//	  Process.Go        ──▶      AwaitGo: processor time counts from here
//	  Process.Credit    ──▶      AwaitCredit
//	  (progress)        ◀──      Follow
//	  Process.AwaitDone ◀──      Done
//	  Process.Usage     ◀─▶      (answered at any time)
//	  Process.Stop      ──▶      the context ends
package procs
