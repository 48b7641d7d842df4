package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/protocol"
	"github.com/beckmesh/beck/tower"
	"github.com/spf13/cobra"
)

// upFlags are the flags of `beck up`.
type upFlags struct {
	meshFlags
	keep  storeFlags
	web   httpFlags
	spans traceFlags
}

func newUp() *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run a tower and a store: a whole mesh in one process",
		Long: `up runs a tower and a store in one process, on 127.0.0.1 unless --listen names
another address. When it is ready it prints

  ready sub=tcp://HOST:PORT pub=tcp://HOST:PORT address=STORE http=URL

and how to produce and consume.`,
		Example: `  beck up
  beck up --data /var/lib/beck --listen 0.0.0.0 --host '{{ GetPrivateIP }}'`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runUp(cmd, &f) }),
	}
	f.addTower(cmd)
	// Their defaults follow --listen.
	f.sub.list, f.pub.list = nil, nil
	fl := cmd.Flags()
	fl.Lookup("sub").DefValue = "port 5556 of --listen"
	fl.Lookup("pub").DefValue = "port 5557 of --listen"
	fl.StringVar(&f.listen, "listen", "127.0.0.1", "`HOST` to bind; * is every interface")
	fl.StringVar(&f.host, "host", "", "`HOST` that others are told to dial; may be a go-sockaddr template (default: as the tower sees us)")
	f.keep.addTo(cmd, "./beck-data")
	f.web.addTo(cmd, towerHTTP)
	f.spans.addTo(cmd)
	return cmd
}

func runUp(cmd *cobra.Command, f *upFlags) error {
	if err := f.resolve(); err != nil {
		return err
	}
	log := f.logger(cmd.ErrOrStderr())
	provider, flush, err := f.spans.start(cmd, log)
	if err != nil {
		return err
	}
	defer flush()
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	defer f.followHangups(cmd, log)()
	t, err := startTower(&f.meshFlags, log)
	if err != nil {
		return err
	}
	node := f.storeNode(t, log)
	use(&node, provider)
	s, err := startStore(cmd.ErrOrStderr(), node, &f.keep)
	if err != nil {
		return errors.Join(err, t.Close())
	}
	d := storeDaemon(s.Store, node)
	d.Metrics, d.Page = append(d.Metrics, httpd.TowerMetrics(t)), true
	d.LogLevel = f.overHTTP(log)
	h, err := f.web.serve(cmd, d)
	if err != nil {
		return errors.Join(err, s.Close(), t.Close())
	}
	defer h.Close()
	sub, pub := withHost(t.Sub(), f.host), withHost(t.Pub(), f.host)
	ready(cmd, fmt.Sprintf("ready sub=%s pub=%s address=%s%s", sub, pub, s.Address(), field(h)))
	greet(cmd.OutOrStdout(), sub, pub, f.listen, h.URL())
	return errors.Join(serve(ctx, cmd, s, node), t.Close())
}

// resolve fills in what follows from --listen and --host.
func (f *upFlags) resolve() (err error) {
	if f.keep.dir == "" {
		return usagef("--data: no directory given")
	}
	if _, _, err := net.SplitHostPort(f.listen); err == nil {
		return usagef("--listen: %q has a port: give a host, and the ports by --sub and --pub", f.listen)
	}
	host := strings.TrimSuffix(strings.TrimPrefix(f.listen, "["), "]")
	if _, _, err := protocol.ParseEndpoint("tcp://" + net.JoinHostPort(host, "0")); err != nil {
		return usagef("--listen: %q is no host", f.listen)
	}
	f.listen = host
	if f.host, err = expandHost(f.host); err != nil {
		return err
	}
	if len(f.sub.list) == 0 {
		f.sub.list = []string{"tcp://" + net.JoinHostPort(f.listen, "5556")}
	}
	if len(f.pub.list) == 0 {
		f.pub.list = []string{"tcp://" + net.JoinHostPort(f.listen, "5557")}
	}
	return errors.Join(f.logFlags.check(), f.web.check())
}

// storeNode returns the settings of the store beside the tower.
func (f *upFlags) storeNode(t *tower.Tower, log *slog.Logger) beck.NodeConfig {
	return beck.NodeConfig{
		Sub: []string{t.Sub()}, Pub: []string{t.Pub()},
		Listen: net.JoinHostPort(f.listen, "0"), Host: f.host, Version: versionText(),
		Logger: log,
	}.WithDefaults()
}

// greet prints what a person needs behind the line for programs. page is the URL of the
// web page, "" for none.
func greet(w io.Writer, sub, pub, listen, page string) {
	towers := ""
	if sub != beck.DefaultSub || pub != beck.DefaultPub {
		towers = fmt.Sprintf(" --sub %s --pub %s", sub, pub)
	}
	fmt.Fprintf(w, "  produce:  beck produce hello%s\n", towers)
	fmt.Fprintf(w, "  consume:  beck consume hello --from-beginning%s\n", towers)
	if page != "" {
		fmt.Fprintf(w, "  look:     %s\n", page)
	}
	fmt.Fprintf(w, "  The mesh is unauthenticated: whoever reaches %s can read and write.\n", listen)
}
