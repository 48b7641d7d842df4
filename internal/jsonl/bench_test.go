package jsonl

import (
	"testing"
	"time"

	"github.com/beckmesh/beck"
)

var sample = beck.Record{
	Topic: "orders", Partition: address, Offset: 123456, Time: time.UnixMilli(1_700_000_000_123).UTC(), Key: []byte("customer-17"),
	Headers: []beck.Header{{Name: "trace", Value: []byte("0af7651916cd43dd")}},
	Value:   []byte(`{"id":17,"text":"a value of some length, as they are in practice, more or less"}`),
}

func BenchmarkAppend(b *testing.B) {
	var line []byte
	for b.Loop() {
		line = Append(line[:0], &sample)
	}
	b.SetBytes(int64(len(line)))
}

func BenchmarkParse(b *testing.B) {
	line := Append(nil, &sample)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := Parse(line, now); err != nil {
			b.Fatal(err)
		}
	}
}
