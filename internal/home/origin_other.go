//go:build !unix

package home

import "github.com/cockroachdb/pebble/v2/vfs"

// whereabouts cannot tell a directory from its copy on this system.
func whereabouts(vfs.FS, string, string) (Origin, error) { return Origin{}, nil }
