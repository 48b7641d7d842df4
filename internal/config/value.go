package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// The layers, the first of which counts.
const (
	FromFlag        = "flag"
	FromEnvironment = "environment"
	FromContext     = "context"
	FromFile        = "file"
	FromDefault     = "default"
)

// Value is what a layer says about a key.
type Value struct {
	Text  []string // what the flag is set to, one after the other
	Layer string   // FromFlag, ...
	Place string   // as "BECK_SUB", "context prod" or "beck.yaml:3"
}

// Layer is the values of one layer, by key.
type Layer map[string]Value

// expand turns what was given under bare names into the keys that share them,
// except those that were given themselves.
func (s *Schema) expand(given Layer) Layer {
	layer := make(Layer)
	for name, value := range given {
		for _, key := range s.holders(name) {
			if _, own := given[key.Name]; key.Name == name || !own {
				layer[key.Name] = value
			}
		}
	}
	return layer
}

// check tries the texts on the flags that the name sets. The error names the
// text and what is allowed, not the place.
func (s *Schema) check(name string, texts []string) error {
	names := make(map[string]bool)
	for _, key := range s.holders(name) {
		names[key.Name] = true
		if len(texts) > 1 && !key.List() {
			return fmt.Errorf("%s takes one value, not %d", name, len(texts))
		}
	}
	for _, section := range s.sections() { // each time new ones: Set adds to a list
		for _, key := range Keys(section) {
			if !names[key.Name] {
				continue
			}
			for _, text := range texts {
				if err := key.Flag.Value.Set(text); err != nil {
					return fmt.Errorf("%s: %w", name, explain(err, text, key.Flag.Value))
				}
			}
		}
	}
	return nil
}

// wants is what a flag's type allows, in words, where its error does not say.
var wants = map[string]string{
	"bool":     "want true or false",
	"duration": "want a duration, such as 1m30s",
	"int":      "want a whole number", "int64": "want a whole number",
	"uint": "want a whole number, 0 or more", "uint64": "want a whole number, 0 or more",
	"float64": "want a number",
}

// explain returns the error of a flag that was set to text with that in front.
func explain(err error, text string, value pflag.Value) error {
	if want, ok := wants[value.Type()]; ok {
		if errors.Is(err, strconv.ErrRange) {
			want += " that is not so large"
		}
		err = errors.New(want)
	}
	if strings.HasPrefix(err.Error(), strconv.Quote(text)) {
		return err
	}
	return fmt.Errorf("%q: %w", text, err)
}

// ExplainFlag returns the error of a command line that set a flag to what is no
// value of it, with what is allowed where the flag's type does not say that itself.
// Other errors it returns as they are.
func ExplainFlag(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	if _, ok := wants[bad.GetFlag().Value.Type()]; !ok {
		return err
	}
	return fmt.Errorf("--%s: %w", bad.GetFlag().Name, explain(bad.Unwrap(), bad.GetValue(), bad.GetFlag().Value))
}

// unknown is the error about a name that nothing has; others are those that
// there are.
func unknown(what, name string, others []string) error {
	hint := ""
	if near := nearest(name, others); near != "" {
		hint = fmt.Sprintf(": did you mean %s?", near)
	}
	return fmt.Errorf("unknown %s %s%s (%q lists all)", what, name, hint, "beck config --example")
}

// nearest returns the one that was most likely meant, or "".
func nearest(name string, others []string) string {
	best, least := "", len(name)/3+1
	for _, other := range others {
		if d := distance(name, other); d < least {
			best, least = other, d
		}
	}
	if best != "" {
		return best
	}
	for _, other := range others { // a key without its section
		if strings.HasSuffix(other, "."+name) {
			return other
		}
	}
	return ""
}

// distance is the number of letters to insert, leave out or replace that make
// b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0] // of the row before, one column to the left
		row[0] = i + 1
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, row[j]+1, above+1)
		}
	}
	return row[len(b)]
}
