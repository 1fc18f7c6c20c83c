//go:build linux

// Package faulttest makes the machine refuse what it would allow, for tests.
package faulttest

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Bound takes from the thread that runs the test what lets root write everywhere, so that the permissions of files and
// folders count for whoever runs it. The thread ends with the test; what it starts in other goroutines is not bound.
func Bound(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	var caps [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &caps[0]); err != nil {
		t.Fatal(err)
	}
	caps[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	if err := unix.Capset(&header, &caps[0]); err != nil {
		t.Fatal(err)
	}
}
