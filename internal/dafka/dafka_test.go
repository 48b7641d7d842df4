package dafka

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parse is Parse with a file named f.cfg.
func parse(p Program, text string, args ...string) (Settings, error) {
	return Parse(p, args, func(name string) ([]byte, error) {
		if name != "f.cfg" {
			return nil, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
		}
		return []byte(text), nil
	})
}

func TestCalled(t *testing.T) {
	for path, want := range map[string]Program{
		"/usr/bin/dafka_towerd": Towerd, "dafka_stored.exe": Stored,
		"./dafka_console_producer": ConsoleProducer, "dafka_console_consumer": ConsoleConsumer,
	} {
		if p, ok := Called(path); p != want || !ok || p.Name() == "" {
			t.Errorf("%s is %q, %v", path, p, ok)
		}
	}
	if p, ok := Called("/bin/dafka_perf"); p != "" || !ok {
		t.Errorf("dafka_perf is %q, %v", p, ok)
	}
	if p, ok := Called("/dafka_towerd/beck"); p != "" || ok {
		t.Errorf("beck is %q, %v", p, ok)
	}
}

func TestArguments(t *testing.T) {
	const other = "tcp://127.0.0.1:1"
	for _, tt := range []struct {
		name string
		of   Program
		args string
		want Settings // beyond the defaults
	}{
		{"none", Towerd, "", Settings{}},
		{"a tower binds", Towerd, "--sub tcp://*:1 --pub tcp://127.0.0.1:*", Settings{Sub: "tcp://*:1", Pub: "tcp://127.0.0.1:0"}},
		{"nodes dial", Stored, "--sub tcp://a:1,>tcp://b:2 --pub tcp://[::1]:1,tcp://b:3", Settings{Sub: "tcp://a:1,tcp://b:2", Pub: "tcp://[::1]:1,tcp://b:3"}},
		{"topic first", ConsoleConsumer, "hello --verbose --from-beginning", Settings{Topic: "hello", Verbose: true, Earliest: true}},
		{"topic last", ConsoleProducer, "--sub " + other + " hello", Settings{Topic: "hello", Sub: other}},
		{"a word behind a switch is its own", ConsoleProducer, "hello --verbose 1", Settings{Topic: "hello", Verbose: true}},
		{"unless no topic were left", ConsoleConsumer, "--from-beginning hello", Settings{Topic: "hello", Earliest: true}},
		{"with an equals sign", ConsoleProducer, "--sub=" + other + " hello", Settings{Topic: "hello", Sub: other}},
		{"behind two dashes", ConsoleProducer, "--verbose -- -x", Settings{Topic: "-x", Verbose: true}},
		{"help", ConsoleProducer, "-h", Settings{Help: true}},
		{"help with a word", Stored, "--help me", Settings{Help: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse(tt.of, "", strings.Fields(tt.args)...)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults(tt.of)
			if tt.want.Sub != "" {
				want.Sub = tt.want.Sub
			}
			if tt.want.Pub != "" {
				want.Pub = tt.want.Pub
			}
			want.Topic, want.Verbose, want.Earliest, want.Help = tt.want.Topic, tt.want.Verbose, tt.want.Earliest, tt.want.Help
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestArgumentsRefused(t *testing.T) {
	for _, tt := range []struct {
		of   Program
		args string
		want string
	}{
		{Towerd, "--port 1", "dafka_towerd has no flag --port: it has --help, -c, --verbose, --pub, --sub"},
		{Stored, "--from-beginning", "dafka_stored has no flag --from-beginning"},
		{Towerd, "x", `dafka_towerd takes no argument such as "x"`},
		{ConsoleProducer, "", "dafka_console_producer: give one topic, not 0"},
		{ConsoleConsumer, "a b", "dafka_console_consumer: give one topic, not 2"},
		{ConsoleProducer, "_beck.x", `topics that begin with "_beck." are beck's own`},
		{ConsoleProducer, "t --sub", "--sub: no value given"},
		{ConsoleProducer, "t -c --verbose", "-c: no value given"},
		{ConsoleProducer, "t --verbose=1", "--verbose takes no value"},
		{Stored, "--sub tcp://a:1 --sub tcp://a:1", "--sub is given twice"},
		{Stored, "--sub ipc://x", `--sub: "ipc://x": want tcp://host:port of a tower`},
		{Stored, "--sub @tcp://a:1", "want tcp://host:port of a tower"},
		{Stored, "--sub tcp://*:1", "want tcp://host:port of a tower"},
		{Towerd, "--pub inproc://x", `--pub: "inproc://x": a tower binds one tcp://host:port`},
		{Stored, "--sub tcp://a:1,tcp://b:1", "a tower has one of each"},
		{Stored, "-c other.cfg", "-c: open other.cfg: file does not exist"},
	} {
		_, err := parse(tt.of, "", strings.Fields(tt.args)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %s: got %v, want %s", tt.of.Name(), tt.args, err, tt.want)
		}
	}
}

// shared is a file that all programs can be given.
const shared = `
tower
    verbose = 1
    sub_address = tcp://127.0.0.1:1
    pub_address = "tcp://127.0.0.1:2"
beacon
    sub_address = tcp://10.0.0.1:3
    pub_address = tcp://10.0.0.1:4
    address = 10.0.0.9
store
    db = /var/lib/dafka   # a directory
producer
    terminate_unacked = 1
    head_interval = 50
consumer
    offset
        reset = earliest
`

func TestFile(t *testing.T) {
	for p, want := range map[Program]Settings{
		Towerd:          {Verbose: true, Sub: "tcp://127.0.0.1:1", Pub: "tcp://127.0.0.1:2", DB: "storedb", HeadInterval: time.Second},
		Stored:          {Sub: "tcp://10.0.0.1:3", Pub: "tcp://10.0.0.1:4", Host: "10.0.0.9", DB: "/var/lib/dafka", HeadInterval: time.Second},
		ConsoleProducer: {Topic: "t", Sub: "tcp://10.0.0.1:3", Pub: "tcp://10.0.0.1:4", Host: "10.0.0.9", DB: "storedb", HeadInterval: 50 * time.Millisecond, TerminateUnacked: true},
		ConsoleConsumer: {Topic: "t", Sub: "tcp://10.0.0.1:3", Pub: "tcp://10.0.0.1:4", Host: "10.0.0.9", DB: "storedb", HeadInterval: time.Second, Earliest: true},
	} {
		args := []string{"-c", "f.cfg"}
		if want.Topic != "" {
			args = append(args, want.Topic)
		}
		got, err := parse(p, shared, args...)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", p.Name(), d)
		}
	}
	got, err := parse(Stored, shared, "-c", "f.cfg", "--sub", "tcp://b:5")
	if err != nil || got.Sub != "tcp://b:5" || got.Pub != "tcp://10.0.0.1:4" {
		t.Errorf("a flag over the file: %+v, %v", got, err)
	}
}

func TestFileRefused(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"beacon\n  x = 1", "f.cfg:2: invalid ZPL: indented 2 spaces"},
		{"beacons\n    x = 1", "f.cfg:1: beacons: unknown key; there are tower, beacon, store, producer, consumer"},
		{"store\n    dir = x", "f.cfg:2: store/dir: unknown key; store has verbose, db, high_watermark"},
		{"consumer\n    offset\n        set = x", "f.cfg:3: consumer/offset/set: unknown key; consumer/offset has reset"},
		{"store/db = x", "f.cfg:1: store/db: a slash in a name"},
		{"store = x", "f.cfg:1: store: a section has no value"},
		{"store\n    db\n        path = x", "f.cfg:3: store/db: nothing belongs to this key"},
		{"store\n    db = x\n    db = y", "f.cfg:3: store/db: is on line 2, too"},
		{"store\n    db", `f.cfg:2: store/db: "": no directory given`},
		{"store\n    verbose = true", `f.cfg:2: store/verbose: "true": want 0 or 1`},
		{"store\n    high_watermark = many", "want a number of messages"},
		{"beacon\n    interval = soon", "want a number of ms"},
		{"beacon\n    sub_address = ipc://x", "f.cfg:2: beacon/sub_address"},
		{"beacon\n    address = tcp://x:1", "want a name or an address"},
		{"beacon\n    curve_key = x", "f.cfg:2: beacon/curve_key: encryption with CURVE is not there yet"},
		{"curve\n    key = x", "f.cfg:1: curve: encryption with CURVE"},
	} {
		_, err := parse(Stored, tt.text, "-c", "f.cfg")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s", tt.text, err, tt.want)
		}
	}
	for value, want := range map[string]string{"0": "want 1 to 10000", "10001": "want 1 to 10000"} {
		if _, err := parse(ConsoleProducer, "producer\n    head_interval = "+value, "-c", "f.cfg", "t"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("head_interval %s: %v", value, err)
		}
	}
	if _, err := parse(ConsoleConsumer, "consumer\n    offset\n        reset = newest", "-c", "f.cfg", "t"); err == nil || !strings.Contains(err.Error(), "want earliest or latest") {
		t.Errorf("reset newest: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	got, err := parse(Stored, "beacon\n    interval = 50\n    timeout = 4000\nstore\n    high_watermark = 9\nproducer\n    high_watermark = 9", "-c", "f.cfg")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"f.cfg:2: beacon/interval = 50: has no effect: beacons go out every 1000 ms",
		"f.cfg:5: store/high_watermark = 9: has no effect: what waits is bounded in bytes, not in messages",
	}
	if !slices.Equal(got.Warnings, want) {
		t.Errorf("got %q", got.Warnings)
	}
}

// TestDefaults sees that a key with its default does what its absence does, and
// that the documentation has it.
func TestDefaults(t *testing.T) {
	doc, err := os.ReadFile("../../docs/dafka.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		def := k.def
		if def == "" {
			def = "none"
		}
		if row := fmt.Sprintf("| `%s` | `%s` |", k.path, def); !strings.Contains(string(doc), row) {
			t.Errorf("docs/dafka.md has no row that begins %s", row)
		}
		for _, p := range k.of {
			s := defaults(p)
			err := k.take(&s, p, k.def)
			if errors.As(err, new(noEffect)) {
				err = nil
			}
			if d := cmp.Diff(defaults(p), s); d != "" || err != nil {
				t.Errorf("%s: the default %q of %s: %v %s", p, k.def, k.path, err, d)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	for _, p := range Programs {
		for _, a := range strings.Fields(p.Usage()) {
			if flag := strings.Trim(a, "[]"); strings.HasPrefix(flag, "-") {
				if _, err := parse(p, "", flag); err != nil && strings.Contains(err.Error(), "has no flag") {
					t.Error(err)
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--sub tcp://a:1 t -c f.cfg", shared)
	f.Add("--verbose hello", "beacon\n    interval = 5")
	f.Fuzz(func(t *testing.T, args, text string) {
		for _, p := range Programs {
			s, err := parse(p, text, strings.Fields(args)...)
			if err == nil && !s.Help && (p == ConsoleProducer || p == ConsoleConsumer) == (s.Topic == "") {
				t.Fatalf("%s %s: %+v", p, args, s)
			}
		}
	})
}
