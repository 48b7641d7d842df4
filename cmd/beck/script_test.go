package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/config"
	"github.com/beckmesh/beck/internal/dafka"
	"github.com/beckmesh/beck/internal/jsonl"
	"github.com/beckmesh/beck/internal/testproc"
	"github.com/rogpeppe/go-internal/testscript"
)

// scriptsAtOnce is how many scripts run on one processor, unless -parallel says
// otherwise: they wait for a mesh more than they work.
const scriptsAtOnce = 4

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(scriptsAtOnce*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	programs := map[string]func(){"beck": main, "beck-etc": mainWithFile, "throttle": throttle, "dafka_perf": main}
	for _, p := range dafka.Programs { // a link tells this binary what to be
		programs[p.Name()] = main
	}
	testscript.Main(m, programs)
}

// mainWithFile is beck where the configuration file of the system is
// etc/beck.yaml.
func mainWithFile() {
	defaultConfigFile = "etc/beck.yaml"
	main()
}

// throttle is a program for scripts: it copies its input at 1 MB/s.
func throttle() {
	const chunk = 50_000
	tick := time.NewTicker(time.Second * chunk / 1_000_000)
	defer tick.Stop()
	for range tick.C {
		if _, err := io.CopyN(os.Stdout, os.Stdin, chunk); err != nil {
			return
		}
	}
}

// TestScript runs the scripts of testdata/script against this program. Beside
// the commands of testscript they have those defined below.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"flip":    cmdFlip,
			"start":   cmdStart,
			"signal":  cmdSignal,
			"await":   cmdAwait,
			"oneline": cmdOneLine,
			"lines":   cmdLines,
			"bytes":   cmdBytes,
			"records": cmdRecords,
			"running": cmdRunning,
			"status":  cmdStatus,
			"stop":    cmdStop,
		},
		Setup: func(env *testscript.Env) error {
			env.Values[runningKey{}] = make(map[string]*running)
			first, _, _ := strings.Cut(env.Getenv("PATH"), string(os.PathListSeparator))
			env.Setenv("BECK", filepath.Join(first, "beck")) // for links to it
			env.Setenv("HOME", env.WorkDir)                  // where contexts are kept, for each script its own
			env.Setenv("XDG_CONFIG_HOME", "")
			return nil
		},
	})
}

// scriptLimit bounds every wait of a script.
const scriptLimit = 30 * time.Second

type runningKey struct{}

// running is a process that a script started with "start".
type running struct {
	cmd    *exec.Cmd
	stderr *bytes.Buffer
	exited chan error
}

// cmdStart is "start NAME ARGS...": it runs `beck ARGS...`, waits until that
// is ready, and sets NAME_sub, NAME_pub and NAME_address from its ready line.
// What it prints goes to NAME.out, too.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS...")
	}
	name := args[0]
	p := &running{cmd: exec.Command("beck", args[1:]...), stderr: new(bytes.Buffer), exited: make(chan error, 1)}
	p.cmd.Dir = ts.MkAbs(".")
	// Of the script's environment where contexts are, of ours nothing for beck.
	p.cmd.Env = append(append(config.Without(os.Environ()), testproc.NoHTTP...), "HOME="+ts.Getenv("HOME"), "XDG_CONFIG_HOME="+ts.Getenv("XDG_CONFIG_HOME"))
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	ts.Defer(func() { _ = p.cmd.Process.Kill() })
	ready := make(chan string, 1)
	go func() {
		log, _ := os.Create(filepath.Join(p.cmd.Dir, name+".out"))
		r := bufio.NewReader(io.TeeReader(stdout, log))
		line, _ := r.ReadString('\n')
		ready <- line
		_, _ = io.Copy(io.Discard, r)
		p.exited <- p.cmd.Wait()
		log.Close()
	}()
	select {
	case line := <-ready:
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "ready" {
			<-p.exited
			ts.Fatalf("%s printed %q and %s", name, line, p.stderr)
		}
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			ts.Setenv(name+"_"+key, value)
		}
	case <-time.After(scriptLimit):
		ts.Fatalf("%s was not ready in %s", name, scriptLimit)
	}
	ts.Value(runningKey{}).(map[string]*running)[name] = p
}

// cmdSignal is "signal NAME KILL|TERM|INT": it signals a process of "start"
// and waits for its end. After TERM and INT it must have ended well and said
// nothing.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: signal NAME KILL|TERM|INT")
	}
	p := ts.Value(runningKey{}).(map[string]*running)[args[0]]
	signals := map[string]os.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT}
	ts.Check(p.cmd.Process.Signal(signals[args[1]]))
	select {
	case err := <-p.exited:
		if args[1] != "KILL" && (err != nil || p.stderr.Len() > 0) {
			ts.Fatalf("%s: %v: %s", args[0], err, p.stderr)
		}
	case <-time.After(scriptLimit):
		ts.Fatalf("%s did not end in %s", args[0], scriptLimit)
	}
}

// cmdStop is "stop NAME": it stops a process of "start" as it is, so that it
// answers nothing.
func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stop NAME")
	}
	p := ts.Value(runningKey{}).(map[string]*running)[args[0]]
	ts.Check(p.cmd.Process.Signal(syscall.SIGSTOP))
}

// cmdStatus is "status N COMMAND...": the command exits with status N.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	status := new(exec.ExitError)
	if err != nil && !errors.As(err, &status) {
		ts.Fatalf("%v", err)
	}
	if got := strconv.Itoa(max(status.ExitCode(), 0)); got != args[0] && !(err == nil && args[0] == "0") {
		ts.Fatalf("%v: exit status %s, want %s", args[1:], got, args[0])
	}
}

// cmdAwait is "await REGEXP FILE": it waits until the file, which another
// process writes, matches.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await REGEXP FILE")
	}
	re := regexp.MustCompile("(?m)" + args[0])
	deadline := time.After(scriptLimit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		text, _ := os.ReadFile(ts.MkAbs(args[1]))
		if re.Match(text) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s has no match for %s in %s; it is %.500q", args[1], args[0], scriptLimit, text)
		}
	}
}

// cmdFlip is "flip PATTERN TEXT": it flips a bit where TEXT stands in the first of
// the files that has it.
func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip PATTERN TEXT")
	}
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		ts.Check(err)
		if at := bytes.Index(raw, []byte(args[1])); at >= 0 {
			raw[at] ^= 1
			ts.Check(os.WriteFile(file, raw, 0o666))
			return
		}
	}
	ts.Fatalf("no file %s has %q in it", args[0], args[1])
}

// cmdOneLine is "oneline FILE": the file, or stdout or stderr, is one line
// that begins with "beck: ".
func cmdOneLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: oneline FILE")
	}
	text := ts.ReadFile(args[0])
	if !strings.HasPrefix(text, "beck: ") || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		ts.Fatalf("%s is not one line of beck: %q", args[0], text)
	}
}

// cmdLines is "lines FIRST LAST FILE": numbered lines.
func cmdLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: lines FIRST LAST FILE")
	}
	first, err := strconv.Atoi(args[0])
	ts.Check(err)
	last, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b bytes.Buffer
	for i := first; i <= last; i++ {
		fmt.Fprintf(&b, "line %d of the file\n", i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b.Bytes(), 0o666))
}

// cmdBytes is "bytes N FILE": one line of N bytes.
func cmdBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bytes N FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	line := append(bytes.Repeat([]byte("x"), n), '\n')
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), line, 0o666))
}

// cmdRecords is "records N FILE": lines of JSON, of records of all kinds.
func cmdRecords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: records N FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var lines []byte
	for r := range oddRecords(n) {
		lines = jsonl.Append(lines, &r)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), lines, 0o666))
}

// oddRecords yields n records that differ in what they have, and in what bytes.
func oddRecords(n int) iter.Seq[beck.Record] {
	rnd := rand.New(rand.NewPCG(1, 2))
	odd := func(most int) []byte {
		b := make([]byte, rnd.IntN(most))
		for i := range b {
			b[i] = byte(rnd.IntN(256))
		}
		return b
	}
	return func(yield func(beck.Record) bool) {
		for i := range n {
			r := beck.Record{Topic: "a", Partition: strings.Repeat("0", 32), Offset: uint64(i), Time: time.UnixMilli(int64(i) * 1e7)}
			switch i % 4 {
			case 0:
				r.Key, r.Value = odd(12), odd(40)
			case 1:
				r.Key, r.Value = []byte{}, []byte("text with \"quotes\" and ümläüts")
			case 2:
				r.Value, r.Time = []byte{}, time.Time{}
			case 3:
				r.Key, r.Value = []byte("key\n"), odd(3)
			}
			for range i % 3 {
				r.Headers = append(r.Headers, beck.Header{Name: string(odd(4)), Value: odd(6)})
			}
			if !yield(r) {
				return
			}
		}
	}
}

// cmdRunning is "running REGEXP": it waits until a process with such a command
// line runs; "! running REGEXP": until none does. It needs Linux.
func cmdRunning(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: running REGEXP")
	}
	re := regexp.MustCompile(args[0])
	found := func() bool {
		files, err := filepath.Glob("/proc/[0-9]*/cmdline")
		ts.Check(err)
		for _, file := range files {
			line, _ := os.ReadFile(file) // of a process that has gone meanwhile: nothing
			if re.Match(bytes.ReplaceAll(line, []byte{0}, []byte{' '})) {
				return true
			}
		}
		return false
	}
	deadline := time.After(scriptLimit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for found() == neg {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s: still so after %s", args[0], scriptLimit)
		}
	}
}
