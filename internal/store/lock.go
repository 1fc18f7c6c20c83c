package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"sheetlift/internal/errs"
)

// lockName is the file in the data folder that is locked while a process uses it. The server itself does not detect
// a second server on its folder, and acknowledged writes of the first are then lost.
const lockName = "lock"

// serverFolder is the embedded server's folder inside the data folder.
const serverFolder = "jetstream"

// HasData reports whether dir is a data folder with stored batches.
func HasData(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, serverFolder))
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

// lockFolder creates the data folder if it is missing, and locks it until unlock is called or the process ends.
func lockFolder(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, unusable(dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errs.New(errs.Conflict, "The data folder %s is in use by another Sheetlift%s. Stop that one, or "+
				"give this one another folder with SHEETLIFT_DATA.", dir, owner(f))
		}
		return nil, unusable(dir, err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err == nil {
		err = checkWritable(filepath.Join(dir, serverFolder))
	}
	if err != nil {
		f.Close()
		return nil, unusable(dir, err)
	}
	return func() {
		// Closing alone would leave it locked while a child process that was just started still has a copy of the
		// descriptor.
		_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
		f.Close()
	}, nil
}

// checkWritable checks whether the server can write to its folder. The server would report it in unhelpful words,
// or, for a folder that another user restored, only at the first write.
func checkWritable(dir string) error {
	f, err := os.CreateTemp(dir, ".try-*")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the server creates it
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// owner returns the id of the process that holds the lock, for an error message.
func owner(f *os.File) string {
	var b [32]byte
	n, _ := f.ReadAt(b[:], 0)
	if pid := strings.TrimSpace(string(b[:n])); pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}

// refuseCluster keeps the embedded server off a folder that belongs to a node of a cluster: mixing the two destroys
// it.
func refuseCluster(dir string) error {
	_, err := os.Stat(filepath.Join(dir, serverFolder, "$SYS", "_js_"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unusable(dir, err)
	}
	return errs.New(errs.Conflict, "The data folder %s belongs to a node of a NATS cluster, and using it alone would "+
		"destroy it. Give Sheetlift a folder of its own with SHEETLIFT_DATA.", dir)
}

func unusable(dir string, err error) error {
	return errs.Wrap(err, errs.Unavailable, "The data folder %s cannot be used: %s. Make it a folder that this program "+
		"may write to, or choose another one with SHEETLIFT_DATA.", dir, reason(err))
}

// reason returns the system's message without operation and path.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// diskSpace returns the space below dir that this process may still use.
func diskSpace(dir string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return Space{}, err
	}
	return Space{Free: int64(st.Bavail) * st.Bsize, Total: int64(st.Blocks) * st.Bsize}, nil
}
