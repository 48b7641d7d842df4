// Package tracing makes the spans of nodes, with nothing but the API of
// OpenTelemetry, by its conventions for messaging.
//
// A producer begins a span where an application publishes, and has the records
// carry its context, if it is sampled, in the headers of W3C Trace Context. A store
// that commits, and a consumer that hands over, looks for those headers, and makes
// one span for each trace that has a record there: the child of the first such
// record's span, linked to those of the others. So who samples is who publishes; a
// record that belongs to no sampled trace carries nothing and makes no span.
//
// A nil *Tracer is a node that makes no spans; whoever has one asks it nothing.
package tracing
