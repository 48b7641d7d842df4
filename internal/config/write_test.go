package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWriteReads writes odd texts and reads them again.
func TestWriteReads(t *testing.T) {
	odd := []string{"plain", "", " space ", "a: b", "# no comment", "'", `"`, "null", "~", "true", "1e3", "a\nb", "\t", "- x", "{", "é", "*", ">=age:7d,bytes:1"}
	entries := []Entry{{Name: "store.retain", Text: odd, Set: true, Place: "somewhere"}}
	for _, text := range odd {
		entries = append(entries[:1], Entry{Name: "store.data", Text: []string{text}, Set: true, Note: []string{"a note"}},
			Entry{Name: "store.no-sync", Text: []string{"true"}}, Entry{Name: "positions.ls.rate", Text: []string{"2"}, Set: true})
		var b strings.Builder
		if err := Write(&b, entries); err != nil {
			t.Fatal(err)
		}
		layer, err := testSchema(t).File(inFile(t, b.String()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
		want := map[string][]string{"store.retain": odd, "store.data": {text}, "positions.ls.rate": {"2"}}
		if diff := cmp.Diff(want, texts(layer)); diff != "" {
			t.Errorf("%s\nin %s", diff, b.String())
		}
	}
}

func TestExample(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, testSchema(t).Example()); err != nil {
		t.Fatal(err)
	}
	const want = `# where the TOWER is
# BECK_SUB; for read, store
#sub: tcp://127.0.0.1:5556

read:
  # N records
  # BECK_READ_COUNT
  #count: 0
  # how long
  # BECK_READ_PATIENCE
  #patience: 0s
  # where the TOWER is
  # BECK_READ_SUB
  #sub: tcp://127.0.0.1:5556

store:
  # DIR of the records
  # BECK_STORE_DATA
  #data:
  # do not sync
  # BECK_STORE_NO_SYNC
  #no-sync: false
  # keep RULE
  # BECK_STORE_RETAIN
  #retain:
  # where the TOWER is
  # BECK_STORE_SUB
  #sub: tcp://127.0.0.1:5556

positions:
  ls:
    # how fast
    # BECK_POSITIONS_LS_RATE
    #rate: 1.5
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"retain", "retian", 2}, {"sub", "pub", 1}, {"store", "stores", 1}, {"kitten", "sitting", 3}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("from %q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
