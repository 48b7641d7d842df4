package config

import (
	"fmt"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Values is what the layers below the command line say together.
type Values struct{ merged *koanf.Koanf }

// Merge puts layers upon each other: what a later one says counts.
func Merge(layers ...Layer) (*Values, error) {
	v := &Values{merged: koanf.New(".")}
	for _, layer := range layers {
		values := make(map[string]any, len(layer))
		for key, value := range layer {
			values[key] = value
		}
		if err := v.merged.Load(confmap.Provider(values, "."), nil); err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
	}
	return v, nil
}

// Of returns what the layers say about a key, and whether they do.
func (v *Values) Of(key string) (Value, bool) {
	value, ok := v.merged.Get(key).(Value)
	return value, ok
}

// from marks a flag that was set by Apply, with layer and place.
const from = "beck_from"

// Apply sets those of a section's flags that the command line left alone.
func (v *Values) Apply(s Section) error {
	for _, key := range Keys(s) {
		value, ok := v.Of(key.Name)
		if !ok || key.Flag.Changed {
			continue
		}
		for _, text := range value.Text {
			if err := s.Flags.Set(key.Flag.Name, text); err != nil {
				return fmt.Errorf("%s: %w", value.Place, err)
			}
		}
		if err := s.Flags.SetAnnotation(key.Flag.Name, from, []string{value.Layer, value.Place}); err != nil {
			return err
		}
	}
	return nil
}

// Origin returns the layer and the place that a flag has its value from, after
// Apply.
func Origin(f *pflag.Flag) (layer, place string) {
	switch mark := f.Annotations[from]; {
	case mark != nil:
		return mark[0], mark[1]
	case f.Changed:
		return FromFlag, "--" + f.Name
	default:
		return FromDefault, FromDefault
	}
}
