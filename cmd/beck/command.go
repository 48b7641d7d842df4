package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/config"
	"github.com/beckmesh/beck/tower"
	"github.com/spf13/cobra"
)

// newRoot returns the whole command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "beck",
		Short: "Streams of records without a broker",
		Long:  "beck streams records from producers to consumers and stores, without a broker\nin between. It speaks the Dafka protocol. The mesh is unauthenticated: whoever\nreaches its ports can read and write.",
		Example: `  beck up
  seq 1000 | beck produce hello
  beck consume hello --from-beginning --end`,
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true,
		Version:            versionLine(),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	addConfigFlags(root)
	root.AddCommand(newUp(), newTower(), newStore(), newProduce(), newConsume(), newDemo(),
		newLs(), newNodes(), newDescribe(), newLag(), newGaps(), newPositions(), newTop(), newCheck(),
		newTopic(), newBackup(), newRestore(), newCert(), newHealth(),
		newBench(), newBenchRole(), newConfig(), newContext(), newCompletion(), newMan(), newVersion())
	return root
}

// checkHelp has "beck help" refuse what is no command, in place of printing the
// general help and exiting with 0.
func checkHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic("beck: there is no help: " + err.Error())
	}
	help.Args = func(_ *cobra.Command, args []string) error {
		if of, rest, err := root.Find(args); err != nil || len(rest) > 0 {
			return fmt.Errorf("%s has no command %q", of.CommandPath(), strings.Join(rest, " "))
		}
		return nil
	}
}

// meshFlags are the flags that every node has, under the names Dafka uses.
type meshFlags struct {
	sub, pub endpoints
	listen   string
	host     string
	logFlags
}

// addTo adds the flags of a node that joins towers. They are shared by all such
// commands: a context or a file says once where the towers are.
func (m *meshFlags) addTo(cmd *cobra.Command) {
	m.addNode(cmd)
	m.logFlags.addTo(cmd)
	config.Share(cmd.Flags(), "sub", "pub", "listen", "host")
}

// addNode adds those about the node for a command alone.
func (m *meshFlags) addNode(cmd *cobra.Command) {
	m.sub.list, m.pub.list = []string{beck.DefaultSub}, []string{beck.DefaultPub}
	f := cmd.Flags()
	f.Var(&m.sub, "sub", "where the `TOWER` takes beacons; several with commas")
	f.Var(&m.pub, "pub", "where the `TOWER` sends beacons; several with commas")
	f.StringVar(&m.listen, "listen", beck.DefaultListen, "`ADDR` to accept links on, host:port; port 0 is a free one")
	f.StringVar(&m.host, "host", "", "`HOST` that others are told to dial; may be a go-sockaddr template (default: as the tower sees us)")
}

// addTower adds the flags of a tower, where sub and pub are what it binds.
func (m *meshFlags) addTower(cmd *cobra.Command) {
	m.sub.list, m.pub.list = []string{tower.DefaultSub}, []string{tower.DefaultPub}
	m.sub.bind, m.pub.bind = true, true
	f := cmd.Flags()
	f.Var(&m.sub, "sub", "`ADDR` to take beacons on; port 0 is a free one")
	f.Var(&m.pub, "pub", "`ADDR` to send beacons on; port 0 is a free one")
	m.logFlags.addTo(cmd)
}

// node returns the settings of a node, or what is wrong with the flags.
func (m *meshFlags) node(errOut io.Writer) (beck.NodeConfig, error) {
	if err := m.logFlags.check(); err != nil {
		return beck.NodeConfig{}, err
	}
	if len(m.sub.list) != len(m.pub.list) {
		return beck.NodeConfig{}, usagef("--sub names %d towers and --pub %d: each tower has one of both",
			len(m.sub.list), len(m.pub.list))
	}
	host, err := expandHost(m.host)
	if err != nil {
		return beck.NodeConfig{}, err
	}
	c := beck.NodeConfig{
		Sub: m.sub.list, Pub: m.pub.list,
		Listen: m.listen, Host: host, Version: versionText(), Logger: m.logger(errOut),
	}.WithDefaults()
	if err := c.Validate(); err != nil {
		return c, usageError{err}
	}
	return c, nil
}
