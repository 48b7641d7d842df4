package main

import (
	"context"

	"github.com/beckmesh/beck/internal/workload"
)

// The modes that are compared.
const (
	direct  = "direct"
	store   = "store"
	replay  = "replay"
	fanout  = "fanout"
	latency = "latency"
	join    = "join"
	idle    = "idle" // only in sweeps
)

// work is one run of one system.
type work struct {
	mode      string
	count     uint64
	size      int
	consumers int
	rate      int    // in mode latency
	dir       string // for what is stored, empty at the start
}

// shape returns what is sent.
func (w work) shape() workload.Shape {
	return workload.Shape{Count: w.count, Size: w.size, Producers: 1, Topics: 1, Timed: w.mode == latency}
}

// system is something that carries or keeps records.
type system struct {
	name  string
	note  string // what a reader must know to compare it
	modes []string
	// missing says what is not there, or "".
	missing func() string
	run     func(ctx context.Context, w work) (*workload.Report, error)
	// share is the part of the records that a slow system is given, so that a
	// run ends; 0 is all of them.
	share float64
}

// systems lists everything that is compared, in the order of the tables.
func systems(beck string) []system {
	return []system{
		beckSystem(beck),
		tcpSystem(), tcpBuffered(), pebbleSystem(),
		natsCore(), jetStream(false), jetStream(true),
		redisStreams(), dafka(),
	}
}
