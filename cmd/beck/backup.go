package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/spf13/cobra"
)

func newBackup() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "backup STORE-DIR FILE",
		Short: "Write all that a store holds to one file",
		Long: `backup writes all that the store in STORE-DIR holds to FILE, with a checksum of each
of its files. FILE must not be there; it has its name when it is complete and on
disk, and is called FILE.tmp before; "-" is standard output. It is a tar file, with
the checksums at its end as sha256sum reads them.

A store that runs goes on meanwhile. All that it had acknowledged when the command
began is in the backup: the store is asked, by a socket in STORE-DIR that only its user
can use, for a checkpoint, which it removes when the command ends. Until then what it
deletes keeps its space on disk.

"beck restore" makes a store of it. backup copies blocks as they are: see "beck
store verify" for whether they are sound.`,
		Example: `  beck backup /var/lib/beck /backups/monday.beck
  beck backup --dry-run /var/lib/beck /backups/monday.beck
  ssh store1 beck backup /var/lib/beck - >store1.beck`,
		Args: backupArgs,
		RunE: runs(func(cmd *cobra.Command, args []string) error { return runBackup(cmd, args[0], args[1], dry) }),
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "write nothing, and say what would be written")
	return cmd
}

// backupArgs checks the arguments of backup. Somebody may have seen elsewhere that a
// server is asked for a backup by its URL.
func backupArgs(cmd *cobra.Command, args []string) error {
	if err := twoPaths("STORE-DIR", "FILE")(cmd, args); err != nil {
		return err
	}
	if strings.Contains(args[0], "://") {
		return fmt.Errorf("STORE-DIR: %q: want the store's directory, on its machine: HTTP gives no backups", args[0])
	}
	return nil
}

// twoPaths is the argument check of the commands that copy.
func twoPaths(first, second string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 2 || args[0] == "" || args[1] == "" {
			return fmt.Errorf("give %s and %s", first, second)
		}
		return nil
	}
}

func runBackup(cmd *cobra.Command, dir, file string, dry bool) error {
	to, told := cmd.OutOrStdout(), cmd.OutOrStdout()
	if file == "-" {
		if told = cmd.ErrOrStderr(); !dry && isTerminal(to) {
			return usagef("FILE is -, and standard output is a terminal")
		}
	}
	var a *blocklog.Archive
	if err := watchBytes(cmd, func(ctx context.Context, w blocklog.Watcher) error {
		return atRest(ctx, dir, func(ctx context.Context, dir string) (err error) {
			if file == "-" && !dry {
				a, err = blocklog.BackupTo(ctx, dir, to, blocklog.Options{}, w)
			} else {
				a, err = blocklog.Backup(ctx, dir, file, dry, blocklog.Options{}, w)
			}
			return err
		})
	}); err != nil {
		return err
	}
	done := "wrote"
	if dry {
		done = "would write"
	}
	return say(told, "%s store=%s partitions=%d records=%d files=%d bytes=%d\n", done, a.Store, a.Partitions, a.Records, a.Files, a.Bytes)
}

// say writes a line of results.
func say(out io.Writer, format string, args ...any) error {
	if _, err := fmt.Fprintf(out, format, args...); err != nil {
		return fmt.Errorf("writing what was done: %w", err)
	}
	return nil
}

func newRestore() *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "restore FILE DIR",
		Short: "Make a store of a backup",
		Long: `restore makes a store in DIR of what "beck backup" wrote to FILE. It reads all of FILE
first and compares the checksums; if one does not match, nothing is written. DIR must
be empty, or not be there.

The store has a new address, which is printed: the one that was backed up may still
be there, and may have acknowledged more since. When it runs it fetches from other
stores what came after the backup.`,
		Example: `  beck restore /backups/monday.beck /var/lib/beck
  beck restore --dry-run /backups/monday.beck /var/lib/beck`,
		Args: twoPaths("FILE", "DIR"),
		RunE: runs(func(cmd *cobra.Command, args []string) error { return runRestore(cmd, args[0], args[1], dry) }),
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "compare the checksums and look at DIR, but write nothing")
	return cmd
}

func runRestore(cmd *cobra.Command, file, dir string, dry bool) error {
	var a *blocklog.Archive
	var address string
	if err := watchBytes(cmd, func(ctx context.Context, w blocklog.Watcher) (err error) {
		a, address, err = blocklog.Restore(ctx, file, dir, dry, blocklog.Options{}, w)
		return err
	}); err != nil {
		return err
	}
	done := "restored address=" + address
	if dry {
		done = "would restore"
	}
	return say(cmd.OutOrStdout(), "%s backup-of=%s partitions=%d records=%d bytes=%d\n", done, a.Store, a.Partitions, a.Records, a.Bytes)
}
