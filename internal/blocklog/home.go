package blocklog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck/internal/home"
	"github.com/beckmesh/beck/protocol"
)

// format is the version of the directory's layout and of everything in it that
// has no version of its own.
const format = 1

const (
	identityName = "store.json"
	identityTemp = "store.json.tmp"
	pebbleName   = "log"
)

// identity is the content of store.json.
type identity struct {
	Format      int    `json:"format"`
	UUID        string `json:"uuid"`
	home.Origin        // of store.json
}

// storeHome is a store's directory, locked.
type storeHome struct {
	*home.Dir
	identity
	fresh   bool // the UUID was made by this process
	newUUID func() string
}

// storeKind says what a store's directory is.
var storeKind = home.Kind{
	Name: "store", Owner: "store", Proof: identityName, InUse: ErrInUse, Foreign: ErrNotStore,
	Knows: func(name string) (known, proof bool) { return name == identityTemp, name == identityName },
}

// openHome locks the directory and reads or makes the identity.
func openHome(dir string, o Options) (*storeHome, error) {
	d, err := home.Open(dir, o.FS, storeKind)
	if err != nil {
		return nil, err
	}
	h := &storeHome{Dir: d, newUUID: o.NewUUID}
	if err := h.load(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// load reads the identity, and makes one for a new or a copied directory.
func (h *storeHome) load() error {
	err := h.read()
	if errors.Is(err, fs.ErrNotExist) {
		return h.renew()
	}
	if err != nil {
		return err
	}
	here, err := h.Dir.Origin(identityName)
	if err != nil {
		return fmt.Errorf("store identity: %w", err)
	}
	if here != h.identity.Origin {
		return h.renew()
	}
	return nil
}

// read reads the identity as it is.
func (h *storeHome) read() error {
	path := h.File(identityName)
	raw, err := readFile(h.FS, path)
	if err != nil {
		return fmt.Errorf("store identity: %w", err)
	}
	if err := json.Unmarshal(raw, &h.identity); err != nil {
		return fmt.Errorf("store identity %q is damaged: %w", path, err)
	}
	if h.Format > format {
		return newerFormat(h.Path, h.Format)
	}
	if err := protocol.ValidAddress(h.UUID); err != nil {
		return fmt.Errorf("store identity %q is damaged: uuid: %w", path, err)
	}
	return nil
}

func newerFormat(dir string, found int) error {
	return fmt.Errorf("%w: store directory %q has format %d, this version reads up to %d; use a newer beck",
		ErrFormat, dir, found, format)
}

// renew makes a new UUID and writes the identity durably.
func (h *storeHome) renew() error {
	h.identity = identity{Format: format, UUID: h.newUUID()}
	h.fresh = true
	if err := h.write(); err != nil {
		return fmt.Errorf("write store identity: %w", err)
	}
	return nil
}

func (h *storeHome) write() error {
	temp := h.File(identityTemp)
	f, err := h.FS.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	h.identity.Origin, err = h.Dir.Origin(identityTemp)
	if err == nil {
		err = writeJSON(f, h.identity)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := h.FS.Rename(temp, h.File(identityName)); err != nil {
		return err
	}
	return errors.Join(h.Sync(), h.SyncAbove())
}

func writeJSON(f vfs.File, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if _, err := f.Write(append(raw, '\n')); err != nil {
		return err
	}
	return f.Sync()
}

func readFile(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(f)
	return raw, errors.Join(err, f.Close())
}
