// Package dafka reads the command lines and the configuration files of the
// programs of Dafka's C implementation, and says what they stand for.
package dafka

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Program is one of the programs of Dafka, by its name without "dafka_".
type Program string

// The programs.
const (
	Towerd          Program = "towerd"
	Stored          Program = "stored"
	ConsoleProducer Program = "console_producer"
	ConsoleConsumer Program = "console_consumer"
)

// Programs lists them all.
var Programs = []Program{Towerd, Stored, ConsoleProducer, ConsoleConsumer}

// prefix is what the names of the programs' files begin with.
const prefix = "dafka_"

// Name is the name of the program's file.
func (p Program) Name() string { return prefix + string(p) }

// Called returns the program that a file, by its path, is called as. ok is false
// if it is none of Dafka's; p is "" if only the beginning of its name is.
func Called(path string) (p Program, ok bool) {
	name, ok := strings.CutPrefix(strings.TrimSuffix(filepath.Base(path), ".exe"), prefix)
	if p = Program(name); !ok || !slices.Contains(Programs, p) {
		p = ""
	}
	return p, ok
}

// Settings is what a program was told by its command line, its configuration
// file and its defaults, in this order.
type Settings struct {
	Help    bool   // print the usage, and do nothing else
	Topic   string // of the console programs
	Verbose bool

	// Sub and Pub are the endpoints of a tower: what it binds, or where nodes
	// dial it, several with commas.
	Sub, Pub string
	Host     string // that others are told to dial; "" is as the tower sees it

	DB               string        // a store's directory
	HeadInterval     time.Duration // of a producer, between HEADs
	TerminateUnacked bool          // a producer does not wait for stores at its end
	Earliest         bool          // a consumer begins with the oldest record

	// Warnings name keys whose values have no effect here, and why.
	Warnings []string
}

func defaults(p Program) Settings {
	s := Settings{
		Sub: "tcp://127.0.0.1:5556", Pub: "tcp://127.0.0.1:5557",
		DB: "storedb", HeadInterval: time.Second,
	}
	if p == Towerd {
		s.Sub, s.Pub = "tcp://*:5556", "tcp://*:5557"
	}
	return s
}

// Parse reads the arguments of a program, without its name, and the file that
// they name. Its errors are of one line and name the flag, or file and line.
func Parse(p Program, args []string, readFile func(string) ([]byte, error)) (Settings, error) {
	s := defaults(p)
	line, err := parseArgs(p, args)
	if err != nil || line.help {
		s.Help = line.help
		return s, err
	}
	if line.config != nil {
		if err := s.load(p, *line.config, readFile); err != nil {
			return s, err
		}
	}
	return s, s.apply(p, line)
}

// apply puts the command line over the configuration.
func (s *Settings) apply(p Program, line commandLine) error {
	s.Topic = line.topic
	s.Verbose = s.Verbose || line.verbose
	s.Earliest = s.Earliest || line.fromBeginning
	for _, e := range []struct {
		flag string
		text *string
		into *string
	}{{"--sub", line.sub, &s.Sub}, {"--pub", line.pub, &s.Pub}} {
		if e.text == nil {
			continue
		}
		endpoints, err := p.endpoints(*e.text)
		if err != nil {
			return fmtError(e.flag, *e.text, err)
		}
		*e.into = endpoints
	}
	if n, m := strings.Count(s.Sub, ","), strings.Count(s.Pub, ","); n != m {
		return fmtError("--sub and --pub", s.Sub+" and "+s.Pub, errUneven)
	}
	return nil
}
