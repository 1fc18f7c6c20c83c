package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/sys/unix"
)

// MaxFile is the maximum size of a file with settings or keys, in bytes.
const MaxFile = 1 << 20

// fileLimit is the timeout of reading a file. A dead mount never answers.
const fileLimit = 5 * time.Second

// Reasons why a file with settings or keys is not read.
var (
	errNotPlain = errors.New("not a plain file")
	errTooLarge = errors.New("larger than 1 MB")
	errNoAnswer = errors.New("the disk or mount that holds it does not answer")
)

// Files reads files with settings and keys so that no file can block or fill the program: regular files up to
// MaxFile, opened without blocking, with a timeout of five seconds. At most one goroutine waits for each file,
// however often it is read. The zero value is ready; it is safe for concurrent use.
type Files struct {
	reads, stats singleflight.Group
}

// ReadFile is os.ReadFile within those bounds.
func (f *Files) ReadFile(name string) ([]byte, error) {
	data, err := within(&f.reads, name, func() (any, error) { return readPlain(name) })
	if err != nil {
		return nil, err
	}
	return data.([]byte), nil
}

// Stat is os.Stat within those bounds.
func (f *Files) Stat(name string) (fs.FileInfo, error) {
	info, err := within(&f.stats, name, func() (any, error) { return os.Stat(name) })
	if err != nil {
		return nil, err
	}
	return info.(fs.FileInfo), nil
}

// within waits for do at most fileLimit. A call that times out ends by itself; until then later callers share it.
func within(calls *singleflight.Group, name string, do func() (any, error)) (any, error) {
	late := time.NewTimer(fileLimit)
	defer late.Stop()
	select {
	case r := <-calls.DoChan(name, do):
		return r.Val, r.Err
	case <-late.C:
		return nil, &fs.PathError{Op: "read", Path: name, Err: errNoAnswer}
	}
}

// readPlain opens with O_NONBLOCK: opening a pipe without a writer would otherwise block for ever.
func readPlain(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: name, Err: errNotPlain}
	}
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err == nil && len(data) > MaxFile {
		err = &fs.PathError{Op: "read", Path: name, Err: errTooLarge}
	}
	return data, err
}

// unreadable returns the reason why a file could not be read, to follow "names …, which".
func unreadable(err error) string {
	switch {
	case errors.Is(err, errNotPlain):
		return "is not a plain file"
	case errors.Is(err, errTooLarge):
		return "is larger than 1 MB"
	case errors.Is(err, errNoAnswer):
		return "lies on a disk or mount that does not answer"
	case errors.Is(err, fs.ErrNotExist):
		return "does not exist"
	default:
		return "cannot be read"
	}
}
