package dafka

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/zpl"
	"github.com/beckmesh/beck/protocol"
)

// key is one that the C programs read.
type key struct {
	path string // from the root of the file, with slashes
	def  string // its default there
	of   []Program
	take func(s *Settings, p Program, value string) error
}

var nodes = []Program{Stored, ConsoleProducer, ConsoleConsumer}

// keys are all that there are, in the order of the documentation. A program
// passes over those of others, so that all can share a file.
var keys = []key{
	{"tower/verbose", "0", []Program{Towerd}, takeVerbose},
	{"tower/sub_address", "tcp://*:5556", []Program{Towerd}, takeSub},
	{"tower/pub_address", "tcp://*:5557", []Program{Towerd}, takePub},
	{"beacon/verbose", "0", nodes, takeVerbose},
	{"beacon/timeout", "4000", nodes, fixed("4000", "peers are forgotten after 4000 ms")},
	{"beacon/interval", "1000", nodes, fixed("1000", "beacons go out every 1000 ms")},
	{"beacon/sub_address", "tcp://127.0.0.1:5556", nodes, takeSub},
	{"beacon/pub_address", "tcp://127.0.0.1:5557", nodes, takePub},
	{"beacon/address", "", nodes, takeHost},
	{"store/verbose", "0", []Program{Stored}, takeVerbose},
	{"store/db", "storedb", []Program{Stored}, takeDB},
	{"store/high_watermark", "1000000", []Program{Stored}, unused},
	{"producer/verbose", "0", []Program{ConsoleProducer}, takeVerbose},
	{"producer/terminate_unacked", "0", []Program{ConsoleProducer}, takeTerminate},
	{"producer/head_interval", "1000", []Program{ConsoleProducer}, takeHeads},
	{"producer/high_watermark", "1000000", []Program{ConsoleProducer}, unused},
	{"consumer/verbose", "0", []Program{ConsoleConsumer}, takeVerbose},
	{"consumer/offset/reset", "latest", []Program{ConsoleConsumer}, takeReset},
	{"consumer/high_watermark", "1000000", []Program{ConsoleConsumer}, unused},
}

// noEffect is why a key's value is not used. It is no error.
type noEffect string

func (n noEffect) Error() string { return string(n) }

var errCurve = errors.New("encryption with CURVE is not there yet: whoever reaches the ports of the mesh can read and write")

// load reads a configuration file.
func (s *Settings) load(p Program, file string, read func(string) ([]byte, error)) error {
	text, err := read(file)
	if err != nil {
		return fmt.Errorf("-c: %w", err)
	}
	root, err := zpl.Parse(file, text)
	if err != nil {
		return err
	}
	l := loader{settings: s, program: p, file: file, seen: make(map[string]int)}
	return l.items("", root.Items)
}

// loader takes the keys of one file.
type loader struct {
	settings *Settings
	program  Program
	file     string
	seen     map[string]int // line of each key
}

func (l *loader) items(parent string, items []*zpl.Item) error {
	for _, i := range items {
		if err := l.item(parent+i.Name, i); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) item(path string, i *zpl.Item) error {
	if strings.Contains(strings.ToLower(path), "curve") {
		return l.fault(i, path, errCurve)
	}
	at := slices.IndexFunc(keys, func(k key) bool { return k.path == path })
	switch {
	case strings.Contains(i.Name, "/"):
		return l.fault(i, path, errors.New("a slash in a name: indent what belongs to a section"))
	case at < 0 && !isSection(path):
		return l.fault(i, path, fmt.Errorf("unknown key; %s", knownBeside(path)))
	case at < 0 && i.HasValue && i.Value != "":
		return l.fault(i, path, errors.New("a section has no value"))
	case at < 0:
		return l.items(path+"/", i.Items)
	case len(i.Items) > 0:
		return l.fault(i.Items[0], path, errors.New("nothing belongs to this key"))
	case l.seen[path] > 0:
		return l.fault(i, path, fmt.Errorf("is on line %d, too", l.seen[path]))
	}
	l.seen[path] = i.Line
	k := keys[at]
	if !slices.Contains(k.of, l.program) {
		return nil
	}
	err := k.take(l.settings, l.program, i.Value)
	if why := noEffect(""); errors.As(err, &why) {
		l.settings.Warnings = append(l.settings.Warnings, l.fault(i, path+" = "+i.Value, errors.New("has no effect: "+string(why))).Error())
		return nil
	}
	if err != nil {
		return l.fault(i, path, fmt.Errorf("%q: %w", i.Value, err))
	}
	return nil
}

// fault names file and line.
func (l *loader) fault(i *zpl.Item, what string, err error) error {
	return fmt.Errorf("%s:%d: %s: %w", l.file, i.Line, what, err)
}

func isSection(path string) bool {
	return slices.ContainsFunc(keys, func(k key) bool { return strings.HasPrefix(k.path, path+"/") })
}

// knownBeside lists what could stand in the place of an unknown key.
func knownBeside(path string) string {
	parent := path[:strings.LastIndexByte(path, '/')+1]
	var names []string
	for _, k := range keys {
		if rest, ok := strings.CutPrefix(k.path, parent); ok {
			name, _, _ := strings.Cut(rest, "/")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if parent == "" {
		return "there are " + strings.Join(names, ", ")
	}
	return strings.TrimSuffix(parent, "/") + " has " + strings.Join(names, ", ")
}

// takeSwitch takes a number, as the C programs do, to whom all words are 0.
func takeSwitch(into *bool, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil {
		return errors.New("want 0 or 1")
	}
	*into = *into || n != 0
	return nil
}

func takeVerbose(s *Settings, _ Program, value string) error { return takeSwitch(&s.Verbose, value) }

func takeTerminate(s *Settings, _ Program, value string) error {
	return takeSwitch(&s.TerminateUnacked, value)
}

func takeSub(s *Settings, p Program, value string) (err error) {
	s.Sub, err = p.endpoints(value)
	return err
}

func takePub(s *Settings, p Program, value string) (err error) {
	s.Pub, err = p.endpoints(value)
	return err
}

func takeHost(s *Settings, _ Program, value string) error {
	s.Host = value
	if _, _, err := protocol.ParseEndpoint(protocol.FormatEndpoint(value, 1)); value != "" && err != nil {
		return errors.New("want a name or an address without port, or nothing")
	}
	return nil
}

func takeDB(s *Settings, _ Program, value string) error {
	if s.DB = value; value == "" {
		return errors.New("no directory given")
	}
	return nil
}

func takeHeads(s *Settings, _ Program, value string) error {
	ms, err := strconv.Atoi(value)
	if err != nil || ms < 1 || ms > 10_000 {
		return errors.New("want 1 to 10000 ms")
	}
	s.HeadInterval = time.Duration(ms) * time.Millisecond
	return nil
}

func takeReset(s *Settings, _ Program, value string) error {
	switch value {
	case "earliest":
		s.Earliest = true
	case "latest":
		s.Earliest = false
	default:
		return errors.New("want earliest or latest")
	}
	return nil
}

// fixed is for a key that has one value here.
func fixed(value, why string) func(*Settings, Program, string) error {
	return func(_ *Settings, _ Program, text string) error {
		if _, err := strconv.Atoi(text); err != nil {
			return errors.New("want a number of ms")
		}
		if text != value {
			return noEffect(why)
		}
		return nil
	}
}

// unused is for the bounds of queues, which beck has in bytes.
func unused(_ *Settings, _ Program, value string) error {
	if _, err := strconv.Atoi(value); err != nil {
		return errors.New("want a number of messages")
	}
	return noEffect("what waits is bounded in bytes, not in messages")
}
