// Package mesh moves the bytes of a node: it listens and dials, performs
// handshakes, reads and writes links, and keeps in touch with the towers. What
// to do it asks of package core, whose states it steps under one lock; whoever
// has an event (a reader, a timer, the caller of Publish) does the stepping.
//
// Every node publishes to those who dialled it and hears from those it dialled,
// so two nodes that talk have two connections:
//
//	         dialled by us: their messages, our subscriptions
//	Node  ──────────────────────────────────────────────────▶  peer
//	      ◀──────────────────────────────────────────────────
//	         accepted by us: our messages, their subscriptions
//
// The lock of a node guards everything in it. Methods and callbacks that need
// it held say so; the rest take it themselves. Nothing blocks while holding it.
package mesh
