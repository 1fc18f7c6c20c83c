package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sheetlift/internal/errs"
)

// format is the version of the stored data. It is raised when an older program could not read the data that this
// one writes, or would lose some of it. Data without a number is of format 1: it was written before the number
// existed.
const format = 1

// formatName is the file in a data folder that holds the format number.
const formatName = "format"

// newSuffix is the suffix of a file that will replace another one once it is complete.
const newSuffix = ".new"

// checkFormat refuses a data folder written by a newer program, before the server touches it, and marks one without
// a number. An empty file, left by a full disk or a power cut, counts as no number. The caller holds the folder's
// lock.
func checkFormat(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, formatName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unusable(dir, err)
	}
	if len(data) > 0 {
		return readable("The data folder "+dir, string(data))
	}
	if err := writeFormat(dir); err != nil {
		return unusable(dir, err)
	}
	return nil
}

// writeFormat marks a data folder. The number is written completely or not at all, even with a full disk or a power
// cut.
func writeFormat(dir string) error {
	name := filepath.Join(dir, formatName)
	f, err := os.Create(name + newSuffix)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strconv.Itoa(format) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync() // some file systems do not support this for folders
	return nil
}

// readable refuses a format that this program does not know.
func readable(place, number string) error {
	n, err := strconv.Atoi(strings.TrimSpace(number))
	switch {
	case err != nil || n < 1:
		return errs.New(errs.Unavailable, "%s has a format number that cannot be read (%.20q). Put the newest backup in its "+
			"place with sheetlift restore, or write %d into its file %s.", place, strings.TrimSpace(number), format, formatName)
	case n > format:
		return errs.New(errs.Conflict, "%s was written by a newer Sheetlift (format %d; this one reads up to %d). Install that "+
			"version, or put a backup of this version in its place with sheetlift restore.", place, n, format)
	}
	return nil
}

// The entries of the bucket "meta" of a cluster.
const (
	metaFormat = "format"
	metaSecret = "secret"
)

// openMeta checks that this process may join the others on the cluster: it supports the same format and has the
// same secret. The first process stores both.
func (s *Store) openMeta(ctx context.Context) error {
	if !s.clustered() {
		return nil
	}
	meta, err := s.openBucket(ctx, "meta")
	if err != nil {
		return err
	}
	number, err := meta.getOrCreate(ctx, metaFormat, strconv.Itoa(format))
	if err != nil {
		return err
	}
	if err := readable("The cluster at "+s.cfg.Cluster.String(), number); err != nil {
		return err
	}
	if s.cfg.Mark == "" {
		return nil
	}
	mark, err := meta.getOrCreate(ctx, metaSecret, s.cfg.Mark)
	if err == nil && mark != s.cfg.Mark {
		return errs.New(errs.Conflict, "SHEETLIFT_SECRET differs from that of the other processes on the cluster at %s. Set the "+
			"same on every machine. docs/operating.md tells how to change it for all.", s.cfg.Cluster)
	}
	return err
}

// getOrCreate returns the value of key, after setting it to mine if it was missing. Of several concurrent callers
// one wins.
func (b *bucket) getOrCreate(ctx context.Context, key, mine string) (string, error) {
	for {
		d, err := b.get(ctx, key)
		if err == nil {
			return string(d.data), nil
		}
		if !missing(err) {
			return "", err
		}
		if _, err = b.put(ctx, key, []byte(mine), 0); err == nil {
			return mine, nil
		}
		if !hasCode(err, codeWrongRevision) {
			return "", err
		}
	}
}
