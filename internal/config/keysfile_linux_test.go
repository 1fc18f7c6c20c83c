package config_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestAMountedKeysFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	file, over := keysFile(t, "x\n", 0o600), keysFile(t, "y\n", 0o600)
	if err := unix.Mount(over, file, "", unix.MS_BIND, ""); err != nil {
		t.Skip("mounting is not allowed here: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(file, unix.MNT_DETACH) })
	refused(t, file, "mounted from elsewhere")
	holds(t, file, "y\n")
}
