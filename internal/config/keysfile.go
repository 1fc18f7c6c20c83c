package config

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sheetlift/internal/errs"
	"sheetlift/internal/keypool"
)

// maxKeyLine is the maximum length of a line in a keys file, in bytes.
const maxKeyLine = 64 << 10

// keyLines yields the lines of a keys file that hold a key, with their numbers from 1.
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

// AppendKey appends a key to the keys file, so that the next start has it. It is durable when AppendKey returns. A
// concurrent reader sees the file without the key or with it, never half; the file's content, mode and owner stay.
// A key that is in the file already changes nothing. Several processes may append at once; each waits for the
// others up to five seconds, or until ctx ends. The error has a sentence for people and never contains the key.
func AppendKey(ctx context.Context, file string, k keypool.Key) error {
	line, err := k.Line()
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "It cannot be written as one line of the keys file.")
	}
	f, err := openLocked(ctx, file)
	if err != nil {
		return appendError(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return appendError(err)
	}
	if info.Mode().Perm()&0o200 == 0 { // root could write to a read-only file, but must not
		return appendError(fs.ErrPermission)
	}
	old, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return appendError(err)
	}
	there, err := holdsKey(old, k)
	if there || err != nil {
		return appendError(err)
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		old = append(old, '\n')
	}
	return appendError(replace(file, info, append(old, line+"\n"...)))
}

// Reasons why no key is appended to a file.
var (
	errLink    = errors.New("a link")
	errForeign = errors.New("holds something else than keys")
)

// assignment matches a line of a settings file or a script.
var assignment = regexp.MustCompile(`^(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=`)

// holdsKey reports whether the file contains the key. A file with a line that is no key is not a keys file:
// errForeign.
func holdsKey(data []byte, k keypool.Key) (bool, error) {
	there := false
	if len(data) > MaxFile || bytes.HasPrefix(data, []byte("#!")) {
		return false, errForeign
	}
	for _, line := range keyLines(data) {
		have, err := keypool.ParseKey(line, 0)
		if err != nil || assignment.MatchString(line) || strings.ContainsAny(have.Secret.Reveal(), " \t") {
			return false, errForeign
		}
		there = there || have.Secret.Reveal() == k.Secret.Reveal()
	}
	return there, nil
}

const (
	lockLimit = 5 * time.Second
	lockPause = 50 * time.Millisecond
)

// openLocked opens the file with an exclusive lock among processes that append keys. The lock is on the file, not
// on its name: if another process has replaced the file meanwhile, the new file is opened.
func openLocked(ctx context.Context, path string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	again := time.NewTicker(lockPause)
	defer again.Stop()
	for {
		f, err := openPlain(path)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			mine, err1 := f.Stat()
			there, err2 := os.Lstat(path)
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

// openPlain opens a regular file for appending. It refuses links and files that may block.
func openPlain(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, errLink
	}
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENXIO) {
		return nil, errNotPlain
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotPlain
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// replace atomically replaces the file described by info. The caller holds its lock.
func replace(path string, info fs.FileInfo, data []byte) (err error) {
	dir := filepath.Dir(path)
	fresh := filepath.Join(dir, "."+filepath.Base(path)+".new")
	_ = os.Remove(fresh) // left by a killed process
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
		err = copyOwnerAndMode(f, info)
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
		return nil // the new file is in place; only a power cut could still undo it
	}
	defer d.Close()
	_ = d.Sync() // some file systems do not support this for folders
	return nil
}

// copyOwnerAndMode gives f the owner and the mode of another file.
func copyOwnerAndMode(f *os.File, info fs.FileInfo) error {
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

// appendError turns an error of AppendKey into one with a sentence for people; nil for nil.
func appendError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errLink):
		return errs.Wrap(err, errs.Unavailable, "The keys file is a link, and keys are not added through links. Name the file itself in GEMINI_API_KEYS_FILE, or add the key to it by hand.")
	case errors.Is(err, errForeign):
		return errs.Wrap(err, errs.Unavailable, "The file holds something else than keys, so nothing was added to it. Name a file with one key to a line in GEMINI_API_KEYS_FILE.")
	case errors.Is(err, errNotPlain):
		return errs.Wrap(err, errs.Unavailable, "What the keys file names is not a file that can be added to. Name a plain file in GEMINI_API_KEYS_FILE.")
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
