package store

import "github.com/beckmesh/beck/internal/blocklog"

// SetDisk gives a store another disk.
func SetDisk(c *Config, disk func(*blocklog.Options)) { c.disk = disk }
