package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Client asks the store that has a directory open. Errors are [ErrNobody], those of
// the store, and those of the context.
type Client struct {
	dir  string
	http http.Client
}

// NewClient returns a client of the store in dir. It opens nothing yet.
func NewClient(dir string) *Client {
	c := &Client{dir: dir}
	c.http.Transport = &http.Transport{DialContext: c.dial, DisableKeepAlives: true}
	return c
}

// dialTime bounds how long the store's process may take to answer.
const dialTime = 10 * time.Second

func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	name, done, err := address(c.dir)
	if err != nil {
		return nil, nobody(err)
	}
	defer done()
	d := net.Dialer{Timeout: dialTime}
	conn, err := d.DialContext(ctx, "unix", name)
	if err != nil {
		return nil, nobody(err)
	}
	return conn, nil
}

// nobody says of an error whether it means that nobody listens.
func nobody(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w (%w)", ErrNobody, err)
	}
	return err
}

// Lease is a checkpoint that is held. It must be closed.
type Lease struct {
	// Dir is the checkpoint's directory.
	Dir string
	// Context ends when it was closed, and with [ErrGone] as its cause when the store
	// took it away.
	Context context.Context

	end  func(error)
	done sync.WaitGroup
}

// Checkpoint has the store make a checkpoint, and holds it until the lease is closed,
// or ctx ends.
func (c *Client) Checkpoint(ctx context.Context) (*Lease, error) {
	held, end := context.WithCancelCause(ctx)
	resp, err := c.post(held, "/v1/checkpoint", nil)
	if err != nil {
		end(err)
		return nil, err
	}
	l := &Lease{Context: held, end: end}
	d := json.NewDecoder(resp.Body)
	var at lease
	if err := d.Decode(&at); err != nil || !filepath.IsLocal(at.Dir) {
		end(ErrGone)
		return nil, errors.Join(fmt.Errorf("%w: it gave no checkpoint", ErrGone), resp.Body.Close())
	}
	l.Dir = filepath.Join(c.dir, at.Dir)
	l.done.Go(func() {
		_, _ = io.Copy(io.Discard, resp.Body) // it says nothing more
		end(ErrGone)
		_ = resp.Body.Close()
	})
	return l, nil
}

// Close gives the checkpoint back.
func (l *Lease) Close() {
	l.end(context.Canceled)
	l.done.Wait()
}

// Plan returns what an order would delete.
func (c *Client) Plan(ctx context.Context, o Order) (plan []Purged, err error) {
	return plan, c.ask(ctx, "/v1/purge/plan", o, &plan)
}

// Purge deletes, and returns when the store has done so. Others hear of it.
func (c *Client) Purge(ctx context.Context, d Deletion) error {
	var none struct{}
	return c.ask(ctx, "/v1/purge", d, &none)
}

// Stores returns how far a deletion has come to the stores of the mesh, by address.
func (c *Client) Stores(ctx context.Context, d Deletion) (stores []Holder, err error) {
	return stores, c.ask(ctx, "/v1/purge/stores", d, &stores)
}

// ask posts a question, and reads the answer.
func (c *Client) ask(ctx context.Context, path string, in, out any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	resp, err := c.post(ctx, path, raw)
	if err != nil {
		return err
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return errors.Join(fmt.Errorf("the store's answer cannot be read: %w", err), resp.Body.Close())
	}
	return resp.Body.Close()
}

// post returns an answer that is no error.
func (c *Client) post(ctx context.Context, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://store"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, ctx.Err()
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return nil, ErrGone
	case err != nil:
		return nil, errors.Unwrap(err) // without the URL, which is made up
	case resp.StatusCode == http.StatusOK:
		return resp, nil
	}
	var told refusal
	if err := json.NewDecoder(resp.Body).Decode(&told); err != nil {
		told.Error = "it does not know of " + path + ": its version is another (status " + resp.Status + ")"
	}
	return nil, errors.Join(fmt.Errorf("the store says: %s", told.Error), resp.Body.Close())
}
