//go:build linux

// Package faulttest restricts the process for tests, so that the kernel refuses operations.
package faulttest

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// Bound drops the capabilities of the test's thread that let root bypass permissions, so that the permissions of
// files and folders count for root too. The thread ends with the test. Other goroutines are not restricted.
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
