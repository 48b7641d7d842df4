// Package core decides. It holds the state machines of a beck node — the
// publisher's window and cursors, the peer table, what a link sends next, what
// an intake fetches and from whom, what a store may acknowledge — as plain
// single-threaded Go without I/O, clock, goroutine, lock or global randomness.
//
// Whoever has an event (a call of Publish, a socket read, a timer) steps the
// state it concerns, giving the time as an argument, and carries out what the
// state decided. Decisions are over ranges, positions and sizes: payloads stay
// with the shells and cross this package only as opaque handles (the Data
// fields). The same code runs under the simulator, where a history is a seed.
//
//	publishing   Window ─ Log ─ Chunk      what is retained, acknowledged, announced
//	sending      Outlet ─ Cursor, Job      what one link sends next
//	             Subscriptions             what the peer of a link asked for
//	receiving    Intake ─ source, part     order, gaps, fetches, stalls, credit
//	storing      Keeper                    what is durable, what may be acknowledged
//	             Comparer                  where another store holds something else
//	meeting      Peers, Directory          whom a node dials, whom a tower announces
package core
