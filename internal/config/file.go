package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File returns the layer of a YAML file. Sections may be nested or written with
// dots. An unknown key, a key given twice, a bad value, and what is not YAML are
// errors that begin with file:line.
func (s *Schema) File(path string) (Layer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return s.parse(data, path, reader{names: s.names()})
}

// Context returns the layer of a context, which may hold bare names only. Its
// errors are those of File.
func (s *Schema) Context(c Contexts, name string) (Layer, error) {
	data, err := c.Read(name)
	if err != nil {
		return nil, err
	}
	return s.parse(data, c.Path(name), reader{names: slices.Sorted(maps.Keys(s.bare)), context: name})
}

func (s *Schema) parse(data []byte, path string, r reader) (Layer, error) {
	r.schema, r.file, r.values, r.lines = s, path, make(Layer), make(map[string]int)
	if err := r.read(data); err != nil {
		return nil, err
	}
	return s.expand(r.values), nil
}

// names returns every key and bare name, sorted.
func (s *Schema) names() []string { return slices.Sorted(maps.Values(s.variables)) }

// reader turns the nodes of a YAML document into values.
type reader struct {
	schema  *Schema
	file    string
	context string         // the name of the context that the file holds, or ""
	names   []string       // that are allowed, sorted
	values  Layer          // what was found
	lines   map[string]int // and where
}

// found notes a value.
func (r *reader) found(name string, line int, texts []string) {
	value := Value{Text: texts, Layer: FromFile, Place: fmt.Sprintf("%s:%d", r.file, line)}
	if r.context != "" {
		value.Layer, value.Place = FromContext, "context "+r.context
	}
	r.values[name], r.lines[name] = value, line
}

// at wraps an error with its place.
func (r *reader) at(line int, err error) error {
	return fmt.Errorf("%s:%d: %w", r.file, line, err)
}

func (r *reader) errorf(n *yaml.Node, format string, args ...any) error {
	return r.at(n.Line, fmt.Errorf(format, args...))
}

func (r *reader) read(data []byte) error {
	var doc, more yaml.Node
	in := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := in.Decode(&doc); errors.Is(err, io.EOF) {
		return nil // nothing but comments
	} else if err != nil {
		return r.syntax(err)
	}
	if err := in.Decode(&more); err == nil {
		return r.errorf(&more, "a second document: want one")
	} else if !errors.Is(err, io.EOF) {
		return r.syntax(err)
	}
	if isNull(doc.Content[0]) {
		return nil
	}
	return r.section(doc.Content[0], "")
}

// yamlLine is how the YAML library names the line of a mistake.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax turns an error of the YAML library into one of ours.
func (r *reader) syntax(err error) error {
	text := err.Error()
	m := yamlLine.FindStringSubmatch(text)
	if m == nil || m[1] == "" {
		return fmt.Errorf("%s: %s", r.file, strings.TrimPrefix(text, "yaml: "))
	}
	return fmt.Errorf("%s:%s: %s", r.file, m[1], text[len(m[0]):])
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// section reads the keys below one: prefix is "" or ends with a dot.
func (r *reader) section(n *yaml.Node, prefix string) error {
	if n.Kind != yaml.MappingNode {
		return r.errorf(n, "want keys with values, as in %q", "sub: tcp://tower:5556")
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if err := r.entry(prefix+key.Value, key, value); err != nil {
			return err
		}
	}
	return nil
}

// entry reads one key, or what is below it.
func (r *reader) entry(name string, key, value *yaml.Node) error {
	_, isKey := slices.BinarySearch(r.names, name)
	isSection := slices.ContainsFunc(r.names, func(n string) bool { return strings.HasPrefix(n, name+".") })
	switch {
	case key.Kind != yaml.ScalarNode:
		return r.errorf(key, "a key must be a plain word")
	case isKey:
		return r.value(name, key, value)
	case !isSection:
		return r.at(key.Line, unknown("key", name, r.names))
	case isNull(value): // everything in it is commented out
		return nil
	case value.Kind != yaml.MappingNode:
		return r.errorf(key, "%s is a section: want keys below it", name)
	default:
		return r.section(value, name+".")
	}
}

func (r *reader) value(name string, key, value *yaml.Node) error {
	if line, twice := r.lines[name]; twice {
		return r.errorf(key, "%s is given twice, first in line %d", name, line)
	}
	texts, err := r.texts(name, value)
	if err != nil {
		return err
	}
	if err := r.schema.check(name, texts); err != nil {
		return r.at(key.Line, err)
	}
	r.found(name, key.Line, texts)
	return nil
}

// texts returns the value as it was written, or those of a list.
func (r *reader) texts(name string, n *yaml.Node) ([]string, error) {
	switch {
	case isNull(n):
		return nil, r.errorf(n, "%s has no value", name)
	case n.Kind == yaml.ScalarNode:
		return []string{n.Value}, nil
	case n.Kind != yaml.SequenceNode:
		return nil, r.errorf(n, "%s is a key: want a value, not keys below it", name)
	case !r.schema.holders(name)[0].List():
		return nil, r.errorf(n, "%s takes one value, not a list", name)
	case len(n.Content) == 0:
		return nil, r.errorf(n, "%s: an empty list: want a value, or leave the key out", name)
	}
	var texts []string
	for _, item := range n.Content {
		if item = resolve(item); item.Kind != yaml.ScalarNode || isNull(item) {
			return nil, r.errorf(item, "%s: a list of values is wanted, and one of them is none", name)
		}
		texts = append(texts, item.Value)
	}
	return texts, nil
}
