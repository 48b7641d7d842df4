package beck_test

import (
	"bytes"
	"testing"

	"github.com/beckmesh/beck"
)

// A clone shares no byte with the record, and tells nil from empty as it does.
func TestRecordClone(t *testing.T) {
	r := beck.Record{
		Key: []byte("k"), Value: []byte("v"),
		Headers: []beck.Header{{Name: "a", Value: []byte("1")}, {Name: "a", Value: []byte("2")}},
	}
	c := r.Clone()
	r.Key[0], r.Value[0], r.Headers[1].Value[0], r.Headers[0].Name = 'x', 'x', 'x', "x"
	if string(c.Key) != "k" || string(c.Value) != "v" || c.Headers[0].Name != "a" || !bytes.Equal(c.Headers[1].Value, []byte("2")) {
		t.Errorf("the clone changed with its record: %+v", c)
	}
	c = beck.Record{Key: []byte{}}.Clone()
	if c.Key == nil || c.Value != nil || c.Headers != nil {
		t.Errorf("nil and empty are not kept apart: %+v", c)
	}
}

func TestSourceString(t *testing.T) {
	for s, want := range map[beck.Source]string{0: "", beck.FromProducer: "producer", beck.FromStore: "store", 9: ""} {
		if s.String() != want {
			t.Errorf("source %d is %q, want %q", uint8(s), s, want)
		}
	}
}
