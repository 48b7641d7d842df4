package blocklog

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/testdisk"
	"github.com/beckmesh/beck/protocol"
)

// full makes tests run as often as docs/testing.md says.
var full = flag.Bool("full", os.Getenv("BECK_FULL") != "", "run the thorough tests in full (also BECK_FULL=1)")

// TestDamagedDirectories truncates, flips, overwrites and cuts pieces out of
// every kind of file that a store keeps. Opening it is refused with the name of
// the file, or what is served is right, and under the old address only if
// nothing is missing but what reading names. That can be filled in.
func TestDamagedDirectories(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	templates := []*template{newTemplate(t, "closed"), newTemplate(t, "killed"), newTemplate(t, "killed early")}
	met := map[string]*outcomes{}
	var all outcomes
	for n := range testdisk.Damages(*full) {
		tm := templates[n%len(templates)]
		kinds := slices.Sorted(maps.Keys(tm.kinds))
		kind := kinds[n/len(templates)%len(kinds)]
		name := tm.kinds[kind][rng.IntN(len(tm.kinds[kind]))]
		raw, what := testdisk.Damage(rng, tm.files[name])
		if met[kind] == nil {
			met[kind] = new(outcomes)
		}
		c := damaged{template: tm, name: name, what: fmt.Sprintf("%d: %s, %s %s", n, tm.name, name, what)}
		at := c.open(t, raw)
		met[kind][at]++
		all[at]++
	}
	t.Logf("%d damaged directories: %v", testdisk.Damages(*full), all)
	for _, kind := range slices.Sorted(maps.Keys(met)) {
		t.Logf("%-12s %v", kind, *met[kind])
	}
	for at, n := range all {
		if n == 0 && !testing.Short() {
			t.Errorf("none %s", outcome(at))
		}
	}
	var cured int
	for _, tm := range templates {
		cured += tm.cured
	}
	t.Logf("%d with ranges that were cut out of damaged files and filled in", cured)
	if cured == 0 {
		t.Error("nothing was cut out of a damaged file")
	}
}

// outcome is what became of a damaged directory.
type outcome int

const (
	whole outcome = iota
	missing
	renewed
	refused
)

func (o outcome) String() string {
	return [...]string{"opened whole", "with ranges missing", "under a new address", "refused"}[o]
}

type outcomes [4]int

func (o outcomes) String() string {
	var list []string
	for at, n := range o {
		list = append(list, fmt.Sprint(n, " ", outcome(at)))
	}
	return strings.Join(list, ", ")
}

// template is a store to be damaged, and what is in it.
type template struct {
	name   string
	files  map[string][]byte
	kinds  map[string][]string // kind → names of files
	uuid   string
	states map[Partition]State
	// least is what must be there under the old address. Of what was committed
	// in the last second before it was killed, nothing says that it was there.
	least map[Partition]State
	cured int // directories that something was cut out of
}

var fileNumber = regexp.MustCompile(`[0-9]{6,}`)

// newTemplate makes a store with tables, large values, tails, a log with what is
// in no table yet, and some of everything that was trimmed and purged.
func newTemplate(t *testing.T, name string) *template {
	t.Helper()
	mem := vfs.NewCrashableMem()
	now := time.Unix(1e9, 0)
	o := small(mem)
	o.tableBlock = 1 << 10
	o.Now = func() time.Time { return now }
	l := openLog(t, "/store", o)
	tm := &template{name: name, uuid: l.UUID(), kinds: map[string][]string{}}
	for round := range uint64(12) {
		now = now.Add(watermarkEvery)
		commitRange(t, l, alpha, round*300, round*300+300)
		p := Partition{fmt.Sprint("topic", round/2), producer(1)}
		commitRange(t, l, p, 5+round%2*100, 105+round%2*100)
		b := l.NewBuilder()
		for seq := round; seq < round+1; seq++ {
			if err := b.Append(seq, fill(8<<10+int(seq)), nil); err != nil {
				t.Fatal(err)
			}
		}
		commitBuilder(t, l, large, b)
		if round%3 == 1 && round < 10 {
			if err := errors.Join(l.RaiseTail(p, 30), l.db.Flush()); err != nil {
				t.Fatal(err)
			}
		}
	}
	now = now.Add(watermarkEvery)
	if _, err := l.Enforce(Rules{}, now); err != nil {
		t.Fatal(err)
	}
	tm.least = maps.Collect(l.Partitions())
	if name == "killed early" {
		commitRange(t, l, alpha, 3600, 3700)
		commitRange(t, l, Partition{"young", producer(1)}, 0, 10)
	}
	tm.states = maps.Collect(l.Partitions())
	if name == "closed" {
		closeLog(t, l)
		tm.take(t, mem)
		return tm
	}
	tm.take(t, mem.CrashClone(vfs.CrashCloneCfg{}))
	closeLog(t, l)
	return tm
}

// large is a partition whose blocks lie in files of their own.
var large = Partition{"large", producer(7)}

// take reads all files.
func (tm *template) take(t *testing.T, fs vfs.FS) {
	t.Helper()
	tm.files = map[string][]byte{}
	for _, dir := range []string{"/store", "/store/log"} {
		names, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if name == pebbleName {
				continue
			}
			raw, err := readFile(fs, path.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			tm.files[path.Join(dir, name)] = raw
			kind := fileNumber.ReplaceAllString(path.Join(path.Base(dir), name), "N")
			tm.kinds[kind] = append(tm.kinds[kind], path.Join(dir, name))
		}
	}
	for _, kind := range []string{"store/store.json", "store/watermark", "store/LOCK", "log/LOCK", "log/N.log", "log/N.sst",
		"log/N.blob", "log/MANIFEST-N", "log/OPTIONS-N"} {
		if len(tm.kinds[kind]) == 0 {
			t.Fatalf("%s: no %s in %v", tm.name, kind, tm.kinds)
		}
	}
}

// damaged is a template with one file changed.
type damaged struct {
	*template
	name, what string
}

func (c damaged) open(t *testing.T, raw []byte) outcome {
	t.Helper()
	watchdog := time.AfterFunc(time.Minute, func() { panic(c.what + ": hangs") })
	defer watchdog.Stop()
	fs := vfs.NewMem()
	files := maps.Clone(c.files)
	files[c.name] = raw
	putFiles(t, fs, files)
	o := small(fs)
	l, err := Open("/store", o)
	if err != nil {
		if !strings.Contains(err.Error(), path.Base(c.name)) && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: the file is not named: %v", c.what, err)
		}
		return refused
	}
	at := c.check(t, l)
	c.mend(t, l)
	uuid := l.UUID()
	closeLog(t, l)
	l = openLog(t, "/store", o) // it keeps its address
	if l.UUID() != uuid {
		t.Fatalf("%s: opened again it has another address", c.what)
	}
	if again := c.check(t, l); again != whole && again != renewed {
		t.Errorf("%s: mended and opened again it is %v", c.what, again)
	}
	closeLog(t, l)
	return at
}

// mend cuts out what cannot be read, and has all that is missing filled in.
func (c damaged) mend(t *testing.T, l *Log) {
	t.Helper()
	var cut []Partition
	for p := range l.Partitions() {
		some, err := l.CutOut(p)
		if err != nil {
			t.Fatalf("%s: cut out of %v: %v", c.what, p, err)
		}
		cut = append(cut, some...)
	}
	for p := range l.Partitions() {
		holes, err := l.Holes(p)
		if err != nil {
			t.Fatalf("%s: holes of %v: %v", c.what, p, err)
		}
		for _, h := range holes {
			c.fill(t, l, p, h)
		}
		if s, _ := l.state(p); !s.dense() || c.read(t, l, p) != s.Records {
			t.Errorf("%s: mended, %v is %+v, and %v cannot be read", c.what, p, s, l.Unreadable(p))
		}
	}
	if len(cut) > 0 {
		c.cured++
	}
}

func (c damaged) fill(t *testing.T, l *Log, p Partition, h Range) {
	t.Helper()
	b, batch := l.NewBuilder(), l.NewBatch()
	for seq := h.First; seq < h.Next; seq++ {
		value, trail := c.record(p, seq)
		if err := b.Append(seq, value, trail); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(batch.Fill(p, b), batch.Commit()); err != nil {
		t.Fatalf("%s: fill %v of %v: %v", c.what, h, p, err)
	}
}

// record returns what a partition has at an offset.
func (c damaged) record(p Partition, seq uint64) (value, trail []byte) {
	if p == large {
		return fill(8<<10 + int(seq)), nil
	}
	return content(p, seq), trailer(seq)
}

// check reads everything, and goes on.
func (c damaged) check(t *testing.T, l *Log) outcome {
	t.Helper()
	if err := protocol.ValidAddress(l.UUID()); err != nil {
		t.Fatalf("%s: %v", c.what, err)
	}
	at := whole
	for p, want := range c.states {
		is, _ := l.State(p)
		if least := c.least[p]; l.UUID() == c.uuid && (is.Next < least.Next || is.Tail < least.Tail) {
			t.Fatalf("%s: %v is from %d to %d, was from %d to %d, and the address is the same",
				c.what, p, is.Tail, is.Next, least.Tail, least.Next)
		}
		if is.Next > want.Next || is.Tail > want.Tail && is.Records > 0 {
			t.Fatalf("%s: %v is from %d to %d, was from %d to %d", c.what, p, is.Tail, is.Next, want.Tail, want.Next)
		}
		if c.read(t, l, p) < want.Records {
			at = missing
		}
	}
	for p := range l.Partitions() {
		if _, known := c.states[p]; !known {
			t.Fatalf("%s: %v was never written to", c.what, p)
		}
	}
	if l.UUID() != c.uuid {
		return renewed
	}
	return at
}

// read returns how many records of a partition can be read. Each is right.
func (c damaged) read(t *testing.T, l *Log, p Partition) (records uint64) {
	t.Helper()
	next := uint64(0)
	for {
		err := l.Read(p, next, 0, func(r Record) bool {
			seq, got, tr := r.Seq, r.Content, r.Trailer
			want, wantTrailer := c.record(p, seq)
			if string(got) != string(want) || string(tr) != string(wantTrailer) || seq < next {
				t.Fatalf("%s: record %d of %v is %.100q %q", c.what, seq, p, got, tr)
			}
			next = seq + 1
			records++
			return true
		})
		if err == nil {
			return records
		}
		var bad *CorruptError
		if !errors.As(err, &bad) || bad.Partition != p || bad.Next <= next {
			t.Fatalf("%s: read %v from %d: %v", c.what, p, next, err)
		}
		next = bad.Next
	}
}
