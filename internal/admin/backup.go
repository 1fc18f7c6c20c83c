// Package admin holds the commands beside the server: backup, restore, export, import, doctor, keys check and tokens, and the
// parts of the running program that serve them.
package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/backup"
	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/setup"
	"sheetlift/internal/store"
)

const (
	backupPrefix = "sheetlift-"
	backupSuffix = ".tar"
	unfinished   = ".part"
)

// Backup writes everything into a new file in folder, also while a process works, and says where it is. It reports
// whether everything could be read.
func Backup(ctx context.Context, c *config.Config, version, folder string, w io.Writer, log *slog.Logger) (bool, error) {
	if err := holdsData(c); err != nil {
		return false, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return false, errs.Wrap(err, errs.Unavailable, "The folder %s cannot be made: %s. Choose another one", folder, err)
	}
	return Export(ctx, c, version, filepath.Join(folder, backupName(time.Now())), nil, w, log)
}

func backupName(now time.Time) string {
	return backupPrefix + now.UTC().Format("20060102-150405") + backupSuffix
}

// Export writes the batches with these ids, or everything when there are none, into a new file, also while a process works. It
// reports whether everything could be read.
func Export(ctx context.Context, c *config.Config, version, file string, batches []string, w io.Writer, log *slog.Logger) (bool, error) {
	ids, err := batchIDs(batches)
	if err != nil {
		return false, err
	}
	if c.Data == config.Memory && c.Cluster.URL == "" {
		return false, errs.New(errs.Invalid, "SHEETLIFT_DATA is :memory:, and what another process has in memory cannot be reached. Set a data folder")
	}
	var sum *backup.Summary
	err = writeFile(file, func(out io.Writer) error {
		return carriedOut(ctx, c, log, false, func() (err error) {
			sum, err = fromRunning(ctx, c, out, ids)
			return err
		}, func(s *store.Store) (err error) {
			sum, err = backup.Write(ctx, out, s, version, ids...)
			return err
		})
	})
	if err != nil {
		return false, err
	}
	for _, p := range sum.Problems {
		fmt.Fprintln(w, p)
	}
	_, err = fmt.Fprintf(w, "Wrote %d batches with %d images to %s.\n", sum.Batches, sum.Images, file)
	return len(sum.Problems) == 0, err
}

// holdsData returns an error when a command that only reads would find no data: opening the store would make an empty folder.
func holdsData(c *config.Config) error {
	if c.Cluster.URL != "" || c.Data == config.Memory || store.HasData(c.Data) {
		return nil
	}
	return errs.New(errs.NotFound, "There is no data folder of Sheetlift at %s. Name it with -data or SHEETLIFT_DATA", c.Data)
}

// writeFile writes a new file atomically: it is complete, checked and synced to disk, or it does not exist.
func writeFile(name string, write func(io.Writer) error) error {
	part := name + unfinished
	cannot := func(err error) error {
		return errs.Wrap(err, errs.Unavailable, "The file %s cannot be written: %s. Check the folder and the room on its disk", name, err)
	}
	if _, err := os.Stat(name); err == nil {
		return errs.New(errs.Conflict, "The file %s is there already. Choose another name", name)
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return cannot(err)
	}
	defer os.Remove(part) // gone after the rename
	defer f.Close()
	if err := write(f); err != nil {
		if _, ours := errors.AsType[*errs.Error](err); ours {
			return err
		}
		return cannot(err)
	}
	if _, err = f.Seek(0, io.SeekStart); err == nil {
		_, err = backup.Verify(f)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		return cannot(err)
	}
	return syncFolder(filepath.Dir(name))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Import adds the batches of a file to the data folder or cluster. Batches that exist already stay unchanged.
func Import(ctx context.Context, c *config.Config, file string, w io.Writer, log *slog.Logger) error {
	f, m, err := openWhole(file)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := setup.OpenStore(ctx, c, log)
	if err != nil {
		return err
	}
	defer s.Close()
	sum, err := backup.Read(ctx, f, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Took %d batches with %d images from %s, as they were on %s; %d were there already.\n",
		sum.Batches, sum.Images, file, m.Created.Local().Format("2 January 2006, 15:04"), sum.Skipped)
	return err
}

// openWhole opens a backup file and checks that it is complete.
func openWhole(file string) (*os.File, *backup.Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, errs.Wrap(err, errs.NotFound, "The file %s cannot be read: %s", file, err)
	}
	m, err := backup.Verify(f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, nil, errs.Wrap(err, errs.Invalid, "%s: %s", file, errs.Message(err))
	}
	return f, m, nil
}

// Restore replaces the content of the data folder with the content of a backup. The old content is moved aside, not removed.
// from is a backup file, or a folder with backups: then the newest whole one in it is used.
func Restore(ctx context.Context, c *config.Config, from string, w io.Writer, log *slog.Logger) error {
	if c.Cluster.URL != "" || c.Data == config.Memory {
		return errs.New(errs.Invalid, "A backup is restored into a data folder. For a cluster, use sheetlift import with the file, which adds what is missing")
	}
	file, err := newestWhole(from, w)
	if err != nil {
		return err
	}
	aside, err := store.SetAside(c.Data)
	if err != nil {
		return err
	}
	if aside != "" {
		fmt.Fprintf(w, "What was in %s is now in %s. Remove it when all is well.\n", c.Data, aside)
	}
	return Import(ctx, c, file, w, log)
}

// newestWhole returns the newest complete backup in a folder, and writes to w which newer ones are damaged.
func newestWhole(from string, w io.Writer) (string, error) {
	files := []string{from}
	if info, err := os.Stat(from); err != nil {
		return "", errs.Wrap(err, errs.NotFound, "There is no %s. Give a backup, or the folder that holds them", from)
	} else if info.IsDir() {
		if files, err = backups(from); err != nil {
			return "", err
		}
	}
	for _, file := range slices.Backward(files) {
		f, _, err := openWhole(file)
		if err == nil {
			f.Close()
			return file, nil
		}
		fmt.Fprintln(w, errs.Message(err))
	}
	return "", errs.New(errs.NotFound, "There is no whole backup in %s.", from)
}

// backups lists the backups in a folder, oldest first.
func backups(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, backupPrefix+"*"+backupSuffix))
	slices.Sort(files)
	return files, err
}

// batchIDs checks the batch ids that a person typed.
func batchIDs(words []string) ([]batch.ID, error) {
	var ids []batch.ID
	for _, w := range words {
		id := batch.ID(strings.TrimSpace(w))
		if !id.Valid() {
			return nil, errs.New(errs.Invalid, "%q is not the id of a batch. It is the last part of the address of its page", w)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
