package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/beckmesh/beck/internal/httpd"
	"github.com/spf13/cobra"
)

// maxCertDays is the longest that browsers take a certificate for.
const maxCertDays = 825

func newCert() *cobra.Command {
	var k httpd.Keys
	cmd := &cobra.Command{
		Use:   "cert DIR",
		Short: "Make a certificate and a token for HTTP beyond loopback",
		Long: `cert writes what a daemon needs to serve HTTP on other addresses than loopback:

  DIR/tls.crt   a certificate that signs itself: --http-cert
  DIR/tls.key   its key: --http-key
  DIR/token     the token that requests must have: --http-token-file

The certificate is for localhost, this machine's name, and each --name. One
directory can be copied to all machines of a mesh if it has the names of all.
Clients take tls.crt as the authority that they trust.

What is there stays: cert can be run at every start. A certificate is made anew
if it lacks one of the names or ends within 30 days, or with --renew; daemons
that run have to be started again then. To have another token, remove the file.
Key and token can be read by their owner and their group.`,
		Example: `  beck cert /etc/beck/http --name tower.example --name 10.0.0.5
  beck cert ./http --name '*.beck-store' --renew`,
		Args: cobra.ExactArgs(1),
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			k.Dir = args[0]
			return runCert(cmd, k)
		}),
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&k.Names, "name", nil, "a `NAME` or IP address by which daemons are asked, also *.NAME; may be repeated")
	fl.IntVar(&k.Days, "days", maxCertDays, "the certificate is good for `N` days")
	fl.BoolVar(&k.Renew, "renew", false, "make a new certificate, even if the one that is there is good")
	return cmd
}

// hostName is a name of the DNS, one of its labels at least, perhaps with a
// wildcard in front.
var hostName = regexp.MustCompile(`^(\*\.)?([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?\.)*[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$`)

func runCert(cmd *cobra.Command, k httpd.Keys) error {
	if k.Days < 1 || k.Days > maxCertDays {
		return usagef("--days: %d: want 1 to %d", k.Days, maxCertDays)
	}
	for _, name := range k.Names {
		if _, err := netip.ParseAddr(name); err != nil && (!hostName.MatchString(name) || len(name) > 253) {
			return usagef("--name: %q: want a name or an IP address", name)
		}
	}
	k.Names = append([]string{"localhost", "127.0.0.1", "::1"}, k.Names...)
	if host, err := os.Hostname(); err == nil && hostName.MatchString(host) && !slices.Contains(k.Names, host) {
		k.Names = append(k.Names, host)
	}
	made, err := k.Write()
	for _, name := range made {
		fmt.Fprintf(cmd.OutOrStdout(), "made %s\n", filepath.Join(k.Dir, name))
	}
	if err != nil {
		return fmt.Errorf("cert: %w", err)
	}
	return nil
}
