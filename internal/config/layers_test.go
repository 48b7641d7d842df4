package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// texts returns what a layer says, without where.
func texts(l Layer) map[string][]string {
	m := make(map[string][]string)
	for key, value := range l {
		m[key] = value.Text
	}
	return m
}

func TestEnvironment(t *testing.T) {
	for _, test := range []struct {
		name    string
		environ []string
		want    map[string][]string
		err     string
	}{
		{"nothing of ours", []string{"HOME=/root", "BECKON=x", "BECK=bin/beck"}, map[string][]string{}, ""},
		{"one key", []string{"BECK_STORE_NO_SYNC=true"}, map[string][]string{"store.no-sync": {"true"}}, ""},
		{"a command below another", []string{"BECK_POSITIONS_LS_RATE=2"}, map[string][]string{"positions.ls.rate": {"2"}}, ""},
		{"a bare name is for all that share it", []string{"BECK_SUB=a"},
			map[string][]string{"store.sub": {"a"}, "read.sub": {"a"}}, ""},
		{"a section counts before a bare name", []string{"BECK_SUB=a", "BECK_READ_SUB=b"},
			map[string][]string{"store.sub": {"a"}, "read.sub": {"b"}}, ""},
		{"a list by lines", []string{"BECK_STORE_RETAIN=a=age:1d,bytes:5\n>=age:7d\n"},
			map[string][]string{"store.retain": {"a=age:1d,bytes:5", ">=age:7d"}}, ""},
		{"= in the text", []string{"BECK_STORE_DATA=a=b"}, map[string][]string{"store.data": {"a=b"}}, ""},
		{"empty is none", []string{"BECK_READ_COUNT=", "BECK_TYPO="}, map[string][]string{}, ""},
		{"what chooses layers", []string{"BECK_CONFIG=/x", "BECK_CONTEXT=y"}, map[string][]string{}, ""},
		{"tests' own", []string{"BECK_FULL=1", "BECK_BENCH_CPUPROFILE=x"}, map[string][]string{}, ""},
		{"Kubernetes, service beck", []string{"BECK_SERVICE_HOST=10.0.0.1", "BECK_SERVICE_PORT=5556", "BECK_SERVICE_PORT_SUB=5556",
			"BECK_PORT=tcp://10.0.0.1:5556", "BECK_PORT_5556_TCP=tcp://10.0.0.1:5556", "BECK_PORT_5556_TCP_ADDR=10.0.0.1",
			"BECK_PORT_5556_TCP_PROTO=tcp", "BECK_STORE_2_PORT_5556_TCP_PORT=5556"}, map[string][]string{}, ""},

		{"a typing error", []string{"BECK_STROE_DATA=x"}, nil, "unknown environment variable BECK_STROE_DATA: did you mean BECK_STORE_DATA?"},
		{"like nothing", []string{"BECK_Q=x"}, nil, `unknown environment variable BECK_Q ("beck config --example" lists all)`},
		{"a hidden flag", []string{"BECK_STORE_SECRET=1"}, nil, "unknown environment variable BECK_STORE_SECRET"},
		{"no bare name", []string{"BECK_RETAIN=x"}, nil, "unknown environment variable BECK_RETAIN"},
		{"no number", []string{"BECK_READ_COUNT=-1"}, nil, `BECK_READ_COUNT: read.count: "-1": want a whole number, 0 or more`},
		{"too large", []string{"BECK_READ_COUNT=99999999999999999999"}, nil, "0 or more that is not so large"},
		{"no duration", []string{"BECK_READ_PATIENCE=7"}, nil, `"7": want a duration, such as 1m30s`},
		{"neither true nor false", []string{"BECK_STORE_NO_SYNC=maybe"}, nil, `"maybe": want true or false`},
	} {
		t.Run(test.name, func(t *testing.T) {
			layer, err := testSchema(t).Environment(test.environ)
			checkError(t, err, test.err)
			if diff := cmp.Diff(test.want, texts(layer)); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// checkError compares an error with a part of its text; "" is none.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected: %v", err)
	case want != "" && err == nil:
		t.Errorf("no error, want %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("%q does not say %q", err, want)
	case want != "" && strings.Contains(err.Error(), "\n"):
		t.Errorf("%q has more than one line", err)
	}
}

func TestFile(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       map[string][]string
		err        string // $ is the file's path
	}{
		{"empty", "", map[string][]string{}, ""},
		{"comments", "# nothing\n---\n# yet\n", map[string][]string{}, ""},
		{"nested", "store:\n  data: /x\n  no-sync: true\n", map[string][]string{"store.data": {"/x"}, "store.no-sync": {"true"}}, ""},
		{"dots", "store.data: /x\npositions.ls: {rate: 2}\n", map[string][]string{"store.data": {"/x"}, "positions.ls.rate": {"2"}}, ""},
		{"deep", "positions:\n  ls:\n    rate: 1e3\n", map[string][]string{"positions.ls.rate": {"1e3"}}, ""},
		{"as it is written", "store:\n  data: 0x10\n", map[string][]string{"store.data": {"0x10"}}, ""},
		{"list", "store:\n  retain:\n  - a=records:1\n  - '>=age:7d'\n", map[string][]string{"store.retain": {"a=records:1", ">=age:7d"}}, ""},
		{"list of one", "store: {retain: a=records:1}\n", map[string][]string{"store.retain": {"a=records:1"}}, ""},
		{"given as empty", "store: {data: ''}\n", map[string][]string{"store.data": {""}}, ""},
		{"everything of a section commented out", "store:\n  #data: x\nread:\n", map[string][]string{}, ""},
		{"a section counts before a bare name", "read: {sub: b}\nsub: a\n", map[string][]string{"store.sub": {"a"}, "read.sub": {"b"}}, ""},
		{"anchors", "read: {sub: &t [a, b]}\nstore: {sub: *t}\n", map[string][]string{"store.sub": {"a", "b"}, "read.sub": {"a", "b"}}, ""},

		{"unknown key", "store:\n  data: x\n  retian: y\n", nil, "$:3: unknown key store.retian: did you mean store.retain?"},
		{"without its section", "\nretain: y\n", nil, "$:2: unknown key retain: did you mean store.retain?"},
		{"unknown section", "stroe: {data: x}\n", nil, "$:1: unknown key stroe"},
		{"hidden", "store: {secret: 1}\n", nil, "$:1: unknown key store.secret"},
		{"chooses a layer", "config: x\n", nil, "$:1: unknown key config"},
		{"bad value", "read:\n\n  count: many\n", nil, `$:3: read.count: "many": want a whole number, 0 or more`},
		{"bad value of a list", "sub: x\nread:\n  sub: '\"'\n", nil, `$:3: read.sub: "\""`},
		{"twice", "store:\n  data: a\nstore.data: b\n", nil, "$:3: store.data is given twice, first in line 2"},
		{"no value", "store:\n  data:\n", nil, "$:2: store.data has no value"},
		{"empty list", "store:\n  retain: []\n", nil, "$:2: store.retain: an empty list"},
		{"list for one", "store:\n  data: [a, b]\n", nil, "$:2: store.data takes one value, not a list"},
		{"list of lists", "store:\n  retain: [[a]]\n", nil, "$:2: store.retain: a list of values is wanted"},
		{"section for a key", "store:\n  data: {x: y}\n", nil, "$:2: store.data is a key"},
		{"key for a section", "store: yes\n", nil, "$:1: store is a section"},
		{"no keys at all", "- a\n- b\n", nil, "$:1: want keys with values"},
		{"a key of its own", "? [a]\n: b\n", nil, "$:1: a key must be a plain word"},
		{"no YAML", "store:\n  data: x\n bad\n", nil, "$:"},
		{"tab", "store:\n\tdata: x\n", nil, "$:2: found character that cannot start any token"},
		{"two documents", "sub: a\n---\nsub: b\n", nil, "$:2: a second document"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := inFile(t, test.text)
			layer, err := testSchema(t).File(path)
			checkError(t, err, strings.ReplaceAll(test.err, "$", path))
			if diff := cmp.Diff(test.want, texts(layer)); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := testSchema(t).File(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestPrecedence puts each layer on the next: the first that says something
// counts, and the flag remembers which.
func TestPrecedence(t *testing.T) {
	s := testSchema(t)
	path := inFile(t, "sub: file\nread: {count: 1, patience: 1s}\n")
	contexts := Contexts{Dir: t.TempDir()}
	if err := contexts.Add("prod", []byte("sub: context\n"), false); err != nil {
		t.Fatal(err)
	}
	file, err := s.File(path)
	if err != nil {
		t.Fatal(err)
	}
	context, err := s.Context(contexts, "prod")
	if err != nil {
		t.Fatal(err)
	}
	environment, err := s.Environment([]string{"BECK_SUB=environment"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		layers                   []Layer
		args                     []string
		value, layer, from, more string
	}{
		{nil, nil, "[tcp://127.0.0.1:5556]", FromDefault, "default", ""},
		{[]Layer{file}, nil, "[file]", FromFile, path + ":1", ""},
		{[]Layer{file, context}, nil, "[context]", FromContext, "context prod", ""},
		{[]Layer{file, context, environment}, nil, "[environment]", FromEnvironment, "BECK_SUB", ""},
		{[]Layer{file, context, environment}, []string{"--sub", "flag"}, "[flag]", FromFlag, "--sub", ""},
	} {
		values, err := Merge(test.layers...)
		if err != nil {
			t.Fatal(err)
		}
		read := s.sections()[0]
		if err := read.Flags.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		if err := values.Apply(read); err != nil {
			t.Fatal(err)
		}
		sub := read.Flags.Lookup("sub")
		layer, place := Origin(sub)
		if sub.Value.String() != test.value || layer != test.layer || place != test.from {
			t.Errorf("sub is %s, from %s %s: want %s, %s %s", sub.Value, layer, place, test.value, test.layer, test.from)
		}
		if count := read.Flags.Lookup("count"); len(test.layers) > 0 && (count.Value.String() != "1" || !count.Changed) {
			t.Errorf("count is %s: what only the file says must not get lost", count.Value)
		}
	}
}

// TestContextHoldsBareNames: a context is for every command.
func TestContextHoldsBareNames(t *testing.T) {
	contexts := Contexts{Dir: t.TempDir()}
	if err := contexts.Add("odd", []byte("sub: a\nstore: {data: x}\n"), false); err != nil {
		t.Fatal(err)
	}
	_, err := testSchema(t).Context(contexts, "odd")
	checkError(t, err, contexts.Path("odd")+":2: unknown key store")
}

func TestSchemaRefusesWhatCannotBeTold(t *testing.T) {
	flags := func(names ...string) *pflag.FlagSet {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		for _, name := range names {
			f.Bool(name, false, "")
		}
		return f
	}
	for _, test := range []struct {
		name     string
		sections []Section
		want     string
	}{
		{"one variable", []Section{{"a", flags("b-c")}, {"a.b", flags("c")}}, "BECK_A_B_C would be both a.b"},
		{"key and section", []Section{{"", flags("a")}, {"a", flags("b")}}, "a is both a key and a section"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewSchema(func() []Section { return test.sections })
			checkError(t, err, test.want)
		})
	}
}

func TestWithout(t *testing.T) {
	got := Without([]string{"A=1", "BECK_SUB=x", "BECK=y"})
	if diff := cmp.Diff([]string{"A=1", "BECK=y"}, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzFile reads anything: it is a layer, or an error of one line that begins
// with the file.
func FuzzFile(f *testing.F) {
	for _, text := range []string{"sub: a\nstore: {retain: [x, y]}\n", "a: &a [*a]\n", "? {}\n", "<<: {sub: x}\n", "\xff", "--- |\n x"} {
		f.Add(text)
	}
	s, err := NewSchema(testSections)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		layer, err := s.parse([]byte(text), "beck.yaml", reader{names: s.names()})
		if err == nil && layer == nil || err != nil && !strings.HasPrefix(err.Error(), "beck.yaml:") {
			t.Errorf("%v, %v", layer, err)
		}
	})
}
