package interop

import "syscall"

// procAttr makes a child end with the tests, however they end.
func procAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
