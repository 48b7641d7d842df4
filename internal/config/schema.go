package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// prefix begins the name of every environment variable that is ours.
const prefix = "BECK_"

// The flags that choose the layers, and their variables. They have no key: a
// file cannot say which file is read.
const (
	FileFlag    = "config"
	ContextFlag = "context"
)

// shared marks a flag that is also served by its bare name.
const shared = "beck_shared"

// Share lets the named flags be set by their bare names, too: for flags that
// mean the same wherever they are. It panics on a flag that is not there.
func Share(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := flags.SetAnnotation(name, shared, []string{}); err != nil {
			panic(err)
		}
	}
}

// Section is a command as its configuration sees it.
type Section struct {
	Name  string         // "store", or "positions.ls" for a command below another
	Flags *pflag.FlagSet // its own; hidden ones and those that choose layers have no key
}

// Key is one flag of one command.
type Key struct {
	Name    string // "store.retain"
	Section string // "store"
	Shared  bool   // served by the flag's bare name, too
	Flag    *pflag.Flag
}

// Variable returns the name of the key's environment variable.
func (k Key) Variable() string { return Variable(k.Name) }

// Variable returns the name of the environment variable of a key, or of a bare
// name: BECK_STORE_RETAIN for store.retain.
func Variable(name string) string {
	return prefix + strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToUpper(name))
}

// List reports whether the key takes several values: whether its flag is a
// pflag.SliceValue.
func (k Key) List() bool {
	_, ok := k.Flag.Value.(pflag.SliceValue)
	return ok
}

// Current returns what the flag holds now: one text, or those of a list.
func (k Key) Current() []string {
	if list, ok := k.Flag.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	if text := k.Flag.Value.String(); text != "" {
		return []string{text}
	}
	return nil
}

// Schema is every key there is. It is not changed once made.
type Schema struct {
	sections  func() []Section
	keys      []Key
	byName    map[string]Key
	bare      map[string][]Key  // by bare name
	parents   map[string]bool   // what is above a key: "positions", "positions.ls"
	variables map[string]string // to the key or the bare name
}

// NewSchema returns the keys of the sections. The function must return new
// flags with each call: values are tried on them. An error means that two keys
// could not be told apart.
func NewSchema(sections func() []Section) (*Schema, error) {
	s := &Schema{
		sections: sections,
		byName:   make(map[string]Key), bare: make(map[string][]Key),
		parents: make(map[string]bool), variables: make(map[string]string),
	}
	for _, section := range sections() {
		for _, key := range Keys(section) {
			s.keys = append(s.keys, key)
			s.byName[key.Name] = key
			if key.Shared {
				s.bare[key.Flag.Name] = append(s.bare[key.Flag.Name], key)
			}
			for at := range key.Name {
				if key.Name[at] == '.' {
					s.parents[key.Name[:at]] = true
				}
			}
		}
	}
	return s, s.addVariables()
}

// Keys returns the keys of a section, by name: those of all its flags but the
// hidden ones.
func Keys(s Section) (keys []Key) {
	s.Flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Name == FileFlag || f.Name == ContextFlag {
			return
		}
		name := f.Name
		if s.Name != "" {
			name = s.Name + "." + name
		}
		_, isShared := f.Annotations[shared]
		keys = append(keys, Key{Name: name, Section: s.Name, Shared: isShared, Flag: f})
	})
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.Name, b.Name) })
	return keys
}

// addVariables maps each variable to what it sets.
func (s *Schema) addVariables() error {
	var names []string
	for _, key := range s.keys {
		names = append(names, key.Name)
	}
	for bare := range s.bare {
		names = append(names, bare)
	}
	slices.Sort(names)
	for _, name := range names {
		variable := Variable(name)
		if other, taken := s.variables[variable]; taken {
			return fmt.Errorf("%s would be both %s and %s", variable, other, name)
		}
		if s.parents[name] {
			return fmt.Errorf("%s is both a key and a section", name)
		}
		if variable == Variable(FileFlag) || variable == Variable(ContextFlag) {
			return fmt.Errorf("%s would be both a key and --%s", variable, name)
		}
		s.variables[variable] = name
	}
	return nil
}

// Keys returns all keys, in the order of the sections.
func (s *Schema) Keys() []Key { return s.keys }

// Bare returns the bare names, sorted, and the key of one section that has it.
func (s *Schema) Bare() (keys []Key) {
	for _, holders := range s.bare {
		keys = append(keys, holders[0])
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.Flag.Name, b.Flag.Name) })
	return keys
}

// holders returns the keys that a name sets: one, or those of a bare name.
func (s *Schema) holders(name string) []Key {
	if key, ok := s.byName[name]; ok {
		return []Key{key}
	}
	return s.bare[name]
}
