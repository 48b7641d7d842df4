package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
)

// testSections are three small commands: two share sub, one is below another.
func testSections() []Section {
	store := pflag.NewFlagSet("store", pflag.ContinueOnError)
	store.StringSlice("sub", []string{"tcp://127.0.0.1:5556"}, "where the `TOWER` is")
	store.StringArray("retain", nil, "keep `RULE`")
	store.String("data", "", "`DIR` of the records")
	store.Bool("no-sync", false, "do not sync")
	store.Int("secret", 0, "nobody's business")
	_ = store.MarkHidden("secret")
	Share(store, "sub")

	read := pflag.NewFlagSet("read", pflag.ContinueOnError)
	read.StringSlice("sub", []string{"tcp://127.0.0.1:5556"}, "where the `TOWER` is")
	read.Uint64("count", 0, "`N` records")
	read.Duration("patience", 0, "how long")
	Share(read, "sub")

	ls := pflag.NewFlagSet("ls", pflag.ContinueOnError)
	ls.Float64("rate", 1.5, "how fast")
	return []Section{{"read", read}, {"store", store}, {"positions.ls", ls}}
}

func testSchema(t *testing.T) *Schema {
	t.Helper()
	s, err := NewSchema(testSections)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inFile writes a configuration file and returns its path.
func inFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "beck.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
