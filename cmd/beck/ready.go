package main

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
)

// ready tells whoever started a daemon that it is ready, by a line on standard output,
// and under systemd (Type=notify) by its socket, too.
func ready(cmd *cobra.Command, line string) {
	fmt.Fprintln(cmd.OutOrStdout(), line)
	tellSystemd(cmd, daemon.SdNotifyReady+"\nSTATUS="+line)
}

// stopping tells systemd that a daemon has begun to stop.
func stopping(cmd *cobra.Command) { tellSystemd(cmd, daemon.SdNotifyStopping) }

// tellSystemd does nothing without systemd. If it fails, systemd will take the daemon for
// one that hangs, so the reason is worth a line.
func tellSystemd(cmd *cobra.Command, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "beck: systemd cannot be told that this is ready or stopping: %v\n", err)
	}
}
