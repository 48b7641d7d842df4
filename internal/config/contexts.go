package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Errors about contexts, for errors.Is.
var (
	ErrNoContext     = errors.New("no such context")
	ErrContextExists = errors.New("there is such a context already")
	ErrContextName   = errors.New("no name for a context")
)

const (
	contextSuffix = ".yaml"
	currentFile   = "current" // holds the name of the context in use
)

// contextName is what a context may be called: what is a file's name on every
// system, and neither hidden nor an option.
var contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Contexts is a directory of contexts: a YAML file each, and one that names the
// context in use. Each change replaces one file as a whole, so that who reads
// meanwhile, or after a crash, finds the old or the new. Files are made with
// mode 0600 and directories with 0700, because a context may hold credentials.
type Contexts struct{ Dir string }

// UserContexts returns those of this user. The error says that the system does
// not know where a user's configuration is, as for a service without a home.
func UserContexts() (Contexts, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return Contexts{}, fmt.Errorf("contexts: %w", err)
	}
	return Contexts{Dir: filepath.Join(dir, "beck", "contexts")}, nil
}

// Path returns the file of a context.
func (c Contexts) Path(name string) string { return filepath.Join(c.Dir, name+contextSuffix) }

// CheckName returns an error that wraps ErrContextName, or nil.
func CheckName(name string) error {
	if !contextName.MatchString(name) {
		return fmt.Errorf("%w: %q: want 1 to 64 letters, digits, - and _, not beginning with - or _", ErrContextName, name)
	}
	return nil
}

// Names returns the names of all contexts, sorted.
func (c Contexts) Names() ([]string, error) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("contexts: %w", err)
	}
	var names []string
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), contextSuffix)
		if ok && contextName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Current returns the name of the context in use, or "".
func (c Contexts) Current() (string, error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("contexts: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Use makes a context the one in use; "" is none. The error wraps ErrNoContext
// if there is none of that name.
func (c Contexts) Use(name string) error {
	if name == "" {
		return ignoreMissing(os.Remove(filepath.Join(c.Dir, currentFile)))
	}
	if _, err := c.Read(name); err != nil {
		return err
	}
	return c.write(currentFile, []byte(name+"\n"))
}

// Read returns the file of a context. The error wraps ErrNoContext if there is
// none of that name, and names those that there are.
func (c Contexts) Read(name string) ([]byte, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(c.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, c.missing(name)
	}
	if err != nil {
		return nil, fmt.Errorf("context %s: %w", name, err)
	}
	return data, nil
}

func (c Contexts) missing(name string) error {
	names, err := c.Names()
	if err != nil {
		return err
	}
	have := "none"
	if len(names) > 0 {
		have = strings.Join(names, ", ")
	}
	return fmt.Errorf("%w: %q: there is %s", ErrNoContext, name, have)
}

// Add makes a context of YAML. Unless it is to replace one, the error wraps
// ErrContextExists if there is one of that name.
func (c Contexts) Add(name string, data []byte, replace bool) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if _, err := os.Lstat(c.Path(name)); err == nil && !replace {
		return fmt.Errorf("%w: %q", ErrContextExists, name)
	}
	return c.write(name+contextSuffix, data)
}

// Remove removes a context, which then is not in use, either. The error wraps
// ErrNoContext if there is none of that name.
func (c Contexts) Remove(name string) error {
	if _, err := c.Read(name); err != nil {
		return err
	}
	current, err := c.Current()
	if err != nil {
		return err
	}
	if current == name { // first, so that what is in use is always there
		if err := c.Use(""); err != nil {
			return err
		}
	}
	if err := os.Remove(c.Path(name)); err != nil {
		return fmt.Errorf("context %s: %w", name, err)
	}
	return nil
}

// write replaces a file of the directory as a whole.
func (c Contexts) write(name string, data []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("contexts: %w", err)
		}
	}()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.Dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.Dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func ignoreMissing(err error) error {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("contexts: %w", err)
	}
	return nil
}
