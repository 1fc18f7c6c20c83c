package config

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sheetlift/internal/errs"
	"sheetlift/internal/keypool"
)

// maxKeyLine is the longest line of a keys file, in bytes.
const maxKeyLine = 64 << 10

// keyLines are the lines of a keys file that hold a key, by their number from 1.
func keyLines(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(string(trimBOM(data))) {
			n++
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") && !yield(n, line) {
				return
			}
		}
	}
}

// AppendKey writes one more key to the keys file, at its end, so that the next start has it. It is durable when AppendKey
// returns. Whoever reads the file meanwhile sees it without the key or with it, never half; what stands in it, its mode
// and its owner stay. A key that stands there already changes nothing. Several processes may append at once; one that waits
// for another gives up after five seconds, or when ctx ends. The error has a sentence for people and never holds the key.
func AppendKey(ctx context.Context, file string, k keypool.Key) error {
	line, err := k.Line()
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "It cannot be written as one line of the keys file.")
	}
	path, err := filepath.EvalSymlinks(file) // a link stays a link
	if err != nil {
		return unwritten(err)
	}
	if info, err := os.Stat(path); err != nil {
		return unwritten(err)
	} else if !info.Mode().IsRegular() {
		return errs.New(errs.Unavailable, "What the keys file names is not a file that can be added to. Name a plain file in GEMINI_API_KEYS_FILE.")
	}
	f, err := openLocked(ctx, path)
	if err != nil {
		return unwritten(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return unwritten(err)
	}
	if info.Mode().Perm()&0o200 == 0 { // whoever is root could, and still should not
		return unwritten(fs.ErrPermission)
	}
	old, err := io.ReadAll(f)
	if err != nil {
		return unwritten(err)
	}
	for _, have := range keyLines(old) {
		if h, err := keypool.ParseKey(have, 0); err == nil && h.Secret.Reveal() == k.Secret.Reveal() {
			return nil
		}
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		old = append(old, '\n')
	}
	return unwritten(replace(path, info, append(old, line+"\n"...)))
}

const (
	lockLimit = 5 * time.Second
	lockPause = 50 * time.Millisecond
)

// openLocked opens the file for itself alone among those who append keys. The lock is on the file, not on its name: when
// another one has put a new file there meanwhile, that one is opened.
func openLocked(ctx context.Context, path string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	again := time.NewTicker(lockPause)
	defer again.Stop()
	for {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			mine, err1 := f.Stat()
			there, err2 := os.Stat(path)
			if err1 == nil && err2 == nil && os.SameFile(mine, there) {
				return f, nil
			}
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, unix.EWOULDBLOCK
		}
	}
}

// replace puts data in the place of the file that info describes. The caller has its lock.
func replace(path string, info fs.FileInfo, data []byte) (err error) {
	dir := filepath.Dir(path)
	fresh := filepath.Join(dir, "."+filepath.Base(path)+".new")
	_ = os.Remove(fresh) // of one who was killed on the way
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(fresh)
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = likeIt(f, info)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err = os.Rename(fresh, path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil // it is there; only a power cut could still take it back
	}
	defer d.Close()
	_ = d.Sync() // some file systems have none for folders
	return nil
}

// likeIt gives f the owner and the mode of another file.
func likeIt(f *os.File, info fs.FileInfo) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	want, ok := info.Sys().(*syscall.Stat_t)
	have, same := now.Sys().(*syscall.Stat_t)
	if ok && same && (want.Uid != have.Uid || want.Gid != have.Gid) {
		if err := f.Chown(int(want.Uid), int(want.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(info.Mode().Perm())
}

// unwritten says why a keys file could not be added to, nil for nil.
func unwritten(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EXDEV):
		return errs.Wrap(err, errs.Unavailable, "The keys file is mounted from elsewhere and can only be changed there. Add the key to it where it comes from.")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return errs.Wrap(err, errs.Unavailable, "The keys file or its folder is read-only for this program. Make both writable, or add the key to the file by hand.")
	case errors.Is(err, unix.EWOULDBLOCK):
		return errs.Wrap(err, errs.Unavailable, "The keys file is in use by another program. Add the key again in a moment.")
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return errs.Wrap(err, errs.Full, "There is no room on the disk for the keys file. Make room, then add the key again.")
	default:
		return errs.Wrap(err, errs.Unavailable, "The keys file could not be written. Ask your technician to look at the log, or add the key to the file by hand.")
	}
}
