package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/beckmesh/beck/internal/config"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/spf13/cobra"
)

// healthDaemons are the commands whose daemons can be asked.
var healthDaemons = []string{"tower", "store", "up"}

// healthTime bounds one question. Probes have bounds of their own.
const healthTime = 3 * time.Second

func newHealth() *cobra.Command {
	var live bool
	cmd := &cobra.Command{
		Use:   "health [tower|store|up]",
		Short: "Ask a daemon on this machine over HTTP whether it is ready",
		Long: `health asks the daemon of a command, on this machine, for /readyz, or with --live
for /livez, and exits with 0 if it is. It looks where the configuration has the
daemon serve HTTP: at store.http for a store, be that from a file or the
environment, and not from the daemon's own command line. Without a command it
asks those of tower and store that answer.

It is meant for containers and probes that can only run a program. It sends no
token, and so hears no reasons where one is wanted.`,
		Example: `  beck health store
  beck health tower --live`,
		ValidArgs: healthDaemons,
		Args:      oneDaemon,
		RunE:      runs(func(cmd *cobra.Command, args []string) error { return runHealth(cmd, args, live) }),
	}
	cmd.Flags().BoolVar(&live, "live", false, "ask whether it lives, be it ready or not")
	return cmd
}

func oneDaemon(_ *cobra.Command, args []string) error {
	if len(args) > 1 || len(args) == 1 && !slices.Contains(healthDaemons, args[0]) {
		return fmt.Errorf("want one daemon at most: %s", strings.Join(healthDaemons, ", "))
	}
	return nil
}

func runHealth(cmd *cobra.Command, args []string, live bool) error {
	names, path := []string{"tower", "store"}, "/readyz"
	if len(args) > 0 {
		names = args
	}
	if live {
		path = "/livez"
	}
	var answered bool
	var silent []string
	for _, name := range names {
		url, err := daemonURL(cmd, name)
		if err == nil {
			err = askHealth(url + path)
		}
		switch {
		case err == nil:
			answered = true
			fmt.Fprintf(cmd.OutOrStdout(), "%s at %s: ok\n", name, url)
		case len(args) == 0 && (errors.Is(err, errNoHTTP) || errors.Is(err, syscall.ECONNREFUSED)):
			silent = append(silent, fmt.Sprintf("%s: %v", name, err))
		default:
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if !answered {
		return errors.New(strings.Join(silent, "; "))
	}
	return nil
}

// errNoHTTP is a daemon that cannot be asked.
var errNoHTTP = errors.New("the configuration gives it no HTTP with a known port")

// daemonURL returns where a daemon of this machine serves HTTP, as its command is
// configured.
func daemonURL(cmd *cobra.Command, name string) (string, error) {
	s, err := schema()
	if err != nil {
		return "", err
	}
	values, err := layers(cmd, s)
	if err != nil {
		return "", usageError{err}
	}
	of, _, err := newRoot().Find([]string{name})
	if err != nil {
		return "", err
	}
	if err := values.Apply(config.Section{Name: name, Flags: of.LocalFlags()}); err != nil {
		return "", usageError{err}
	}
	addr := of.Flag("http").Value.String()
	host, port, err := net.SplitHostPort(addr)
	if addr == httpd.Off || err != nil || port == "0" {
		return "", fmt.Errorf("%w: it is %q", errNoHTTP, addr)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if of.Flag("http-cert").Value.String() != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port), nil
}

// askHealth returns nil for status 200. Certificates are not verified: they need not
// have a name for this address, and nothing secret is sent.
func askHealth(url string) error {
	client := &http.Client{
		Timeout:   healthTime,
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	var said struct {
		Reasons []string `json:"reasons"`
		Error   string   `json:"error"`
	}
	_ = json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&said) // what is no JSON gives no reason
	if said.Error != "" {
		said.Reasons = append(said.Reasons, said.Error)
	}
	why := fmt.Sprintf("%s answers %s", url, answer.Status)
	return errors.New(strings.Join(append([]string{why}, said.Reasons...), ": "))
}
