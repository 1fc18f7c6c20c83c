package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"sheetlift/internal/fault/faulttest"
)

func TestAMountedKeysFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	file, over := keysFile(t, "x\n", 0o600), keysFile(t, "y\n", 0o600)
	if err := unix.Mount(over, file, "", unix.MS_BIND, ""); err != nil {
		t.Skip("only root outside a container may mount: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(file, unix.MNT_DETACH) })
	refused(t, file, "mounted from elsewhere")
	holds(t, file, "y\n")
}

// The test drops the capabilities that let root bypass permissions, so that the folder's mode counts.
func TestAKeysFileInAReadOnlyFolderIsLeftAlone(t *testing.T) {
	t.Parallel()
	file := keysFile(t, "x\n", 0o600)
	if err := os.Chmod(filepath.Dir(file), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(file), 0o700) })
	faulttest.Bound(t)
	refused(t, file, "read-only for this program")
	holds(t, file, "x\n")
}
