package dafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beckmesh/beck/protocol"
)

var (
	errUneven = errors.New("a tower has one of each")
	errBind   = errors.New("a tower binds one tcp://host:port, with * for every interface or any port")
	errDial   = errors.New("want tcp://host:port of a tower, several with commas")
)

// fmtError names what was given where.
func fmtError(where, text string, err error) error { return fmt.Errorf("%s: %q: %w", where, text, err) }

// commandLine is what was given; nil for what was not.
type commandLine struct {
	config, sub, pub       *string
	verbose, fromBeginning bool
	help                   bool
	topic                  string
}

// words are arguments as the C programs tell them apart: a word behind a flag is
// the flag's, whether the flag takes a value or not, unless it begins with a dash.
type words struct {
	flags  []flag
	others []string
}

type flag struct {
	name  string
	value *string
	bound bool // written --name=value
}

// split takes "--flag=value" apart, too, which the C programs do not know.
func split(args []string) (w words) {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--":
			w.others = append(w.others, args[i+1:]...)
			return w
		case !strings.HasPrefix(a, "-"):
			w.others = append(w.others, a)
		default:
			name, value, has := strings.Cut(a, "=")
			f := flag{name: name}
			if has {
				f.value, f.bound = &value, true
			} else if i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				i++
				f.value = &args[i]
			}
			w.flags = append(w.flags, f)
		}
	}
	return w
}

// parseArgs reads the arguments of a program.
func parseArgs(p Program, args []string) (line commandLine, err error) {
	w := split(args)
	takesTopic := p == ConsoleProducer || p == ConsoleConsumer
	known := []string{"--help", "-c", "--verbose", "--pub", "--sub"}
	if p == ConsoleConsumer {
		known = append(known, "--from-beginning")
	}
	seen := make(map[string]bool)
	for _, f := range w.flags {
		if f.name == "-h" {
			f.name = "--help"
		}
		if !slices.Contains(known, f.name) {
			return line, fmt.Errorf("%s has no flag %s: it has %s", p.Name(), f.name, strings.Join(known, ", "))
		}
		if seen[f.name] {
			return line, fmt.Errorf("%s is given twice", f.name)
		}
		seen[f.name] = true
		switched, err := line.set(f)
		if err != nil {
			return line, err
		}
		// The C programs drop this word, and then find no topic.
		if switched && f.value != nil && takesTopic && len(w.others) == 0 {
			w.others = append(w.others, *f.value)
		}
	}
	if line.help {
		return line, nil
	}
	return line, line.setTopic(p, takesTopic, w.others)
}

// set takes one flag. switched says that it is one that takes no value.
func (l *commandLine) set(f flag) (switched bool, err error) {
	for _, valued := range []struct {
		name string
		into **string
	}{{"-c", &l.config}, {"--pub", &l.pub}, {"--sub", &l.sub}} {
		if valued.name != f.name {
			continue
		}
		if *valued.into = f.value; f.value == nil || *f.value == "" {
			return false, fmt.Errorf("%s: no value given", f.name)
		}
		return false, nil
	}
	for _, s := range []struct {
		name string
		into *bool
	}{{"--help", &l.help}, {"--verbose", &l.verbose}, {"--from-beginning", &l.fromBeginning}} {
		if s.name == f.name {
			*s.into = true
		}
	}
	if f.bound {
		return true, fmt.Errorf("%s takes no value", f.name)
	}
	return true, nil
}

func (l *commandLine) setTopic(p Program, takes bool, others []string) error {
	switch {
	case !takes && len(others) > 0:
		return fmt.Errorf("%s takes no argument such as %q", p.Name(), others[0])
	case !takes:
		return nil
	case len(others) != 1:
		return fmt.Errorf("%s: give one topic, not %d", p.Name(), len(others))
	}
	l.topic = others[0]
	if err := protocol.ValidTopic(l.topic); err != nil {
		return fmt.Errorf("topic has %d bytes: a topic has 1 to %d bytes without NUL", len(l.topic), protocol.MaxTopic)
	}
	if p == ConsoleProducer && strings.HasPrefix(l.topic, protocol.ReservedTopics) {
		return fmt.Errorf("topics that begin with %q are beck's own", protocol.ReservedTopics)
	}
	return nil
}

// Usage returns how the program is called, with a newline behind each line.
func (p Program) Usage() string {
	topic, begin := "", ""
	switch p {
	case ConsoleProducer:
		topic = " topic"
	case ConsoleConsumer:
		topic, begin = " topic", " [--from-beginning]"
	}
	return fmt.Sprintf("Usage: %s%s [--verbose]%s [-c config] [--pub tower-pub-address] [--sub tower-sub-address]\n",
		p.Name(), topic, begin)
}

// endpoints checks the addresses of towers, and returns them as beck takes them:
// a tower's own to bind, else those to dial.
func (p Program) endpoints(text string) (string, error) {
	if p == Towerd {
		host, port, err := protocol.ParseEndpoint(strings.TrimPrefix(text, "@"))
		if err != nil {
			return "", errBind
		}
		if host == "" {
			host = "*"
		}
		return endpoint(host, port), nil
	}
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		host, port, err := protocol.ParseEndpoint(strings.TrimPrefix(strings.TrimSpace(part), ">"))
		if err != nil || host == "" || port == "0" {
			return "", errDial
		}
		list = append(list, endpoint(host, port))
	}
	return strings.Join(list, ","), nil
}

func endpoint(host, port string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "tcp://" + host + ":" + port
}
