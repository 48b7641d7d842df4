// Package testdisk has what happens to disks, for tests: a file system so small
// that it can be filled, and damage to files.
package testdisk
