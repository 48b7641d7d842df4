//go:build unix && !linux

package interop

import "syscall"

func procAttr() *syscall.SysProcAttr { return nil }
