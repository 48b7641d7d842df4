//go:build unix && !linux

package main

import "syscall"

// dieWithParent can be asked for on Linux only.
func dieWithParent() *syscall.SysProcAttr { return nil }
