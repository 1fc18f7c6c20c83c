package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/archive"
	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
)

const (
	backupPrefix = "sheetlift-"
	backupSuffix = ".tar"
	unfinished   = ".part"
	backupEvery  = 24 * time.Hour
	backupLook   = 10 * time.Minute // how often it is looked whether one is due
)

// Backup writes everything into a new file in folder, also while a process works, and says where it is. It reports
// whether everything could be read.
func Backup(ctx context.Context, c *config.Config, version, folder string, w io.Writer, log *slog.Logger) (bool, error) {
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
	var sum *archive.Summary
	err = writeFile(file, func(out io.Writer) (err error) {
		if sum, err = fromRunning(ctx, c, out, ids); !errors.Is(err, errNobody) {
			return err
		}
		s, err := openFor(ctx, c, log)
		if err != nil {
			return err
		}
		defer s.Close()
		sum, err = archive.Write(ctx, out, s, version, ids...)
		return err
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

// writeFile makes a file that is there whole, checked and on the disk, or not at all.
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
		_, err = archive.Verify(f)
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

// Import takes the batches of a file into the data folder or cluster. Those that are there stay as they are.
func Import(ctx context.Context, c *config.Config, file string, w io.Writer, log *slog.Logger) error {
	f, m, err := openWhole(file)
	if err != nil {
		return err
	}
	defer f.Close()
	s, err := openFor(ctx, c, log)
	if err != nil {
		return err
	}
	defer s.Close()
	sum, err := archive.Read(ctx, f, s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "Took %d batches with %d images from %s, as they were on %s; %d were there already.\n",
		sum.Batches, sum.Images, file, m.Created.Local().Format("2 January 2006, 15:04"), sum.Skipped)
	return err
}

// openWhole opens a file that was found whole.
func openWhole(file string) (*os.File, *archive.Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, errs.Wrap(err, errs.NotFound, "The file %s cannot be read: %s", file, err)
	}
	m, err := archive.Verify(f)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, nil, errs.Wrap(err, errs.Invalid, "%s: %s", file, errs.Message(err))
	}
	return f, m, nil
}

// Restore puts what a backup holds in the place of what is in the data folder, which is moved aside and not removed.
// from is a file, or a folder with backups: then its newest whole one.
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

// newestWhole finds the newest backup in a folder that is whole, and says which ones are not.
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

// backUp makes a backup a day inside the data folder and keeps the newest.
func (a *App) backUp(ctx context.Context) error {
	if a.cfg.Backups == 0 || a.cfg.Data == config.Memory || a.cfg.Cluster.URL != "" {
		return nil
	}
	look := time.NewTicker(backupLook)
	defer look.Stop()
	for {
		if err := a.backUpOnce(ctx, filepath.Join(a.cfg.Data, "backups")); err != nil && ctx.Err() == nil {
			a.log.Error("the daily backup failed; it is tried again soon", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

func (a *App) backUpOnce(ctx context.Context, dir string) error {
	old, err := backups(dir)
	if err != nil {
		return err
	}
	if len(old) > 0 {
		info, err := os.Stat(old[len(old)-1])
		if err == nil && time.Since(info.ModTime()) < backupEvery {
			return nil
		}
	}
	ids, err := a.store.Batches(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := a.roomForBackup(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := removeUnfinished(dir); err != nil {
		return err
	}
	name := filepath.Join(dir, backupName(time.Now()))
	err = writeFile(name, func(w io.Writer) error {
		sum, err := archive.Write(ctx, w, a.store, a.version)
		if err != nil {
			return err
		}
		for _, p := range sum.Problems {
			a.log.Error("not in the backup", "file", name, "what", p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	a.log.Info("backed up", "file", name)
	for old = append(old, name); len(old) > a.cfg.Backups; old = old[1:] {
		if err := os.Remove(old[0]); err != nil {
			return err
		}
	}
	return nil
}

// roomForBackup refuses a backup that would use up the disk.
func (a *App) roomForBackup(ctx context.Context) error {
	size, err := a.store.Size(ctx)
	if err != nil {
		return err
	}
	space, err := a.store.Space()
	if err != nil {
		return err
	}
	if space.Free-size < store.DefaultMinFree {
		return errs.New(errs.Full, "There is no room for a backup of %d MB in %s. Free some space, or set SHEETLIFT_BACKUPS to fewer or to 0",
			size>>20, a.cfg.Data)
	}
	return nil
}

func removeUnfinished(dir string) error {
	parts, err := filepath.Glob(filepath.Join(dir, "*"+unfinished))
	for _, p := range parts {
		if e := os.Remove(p); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = e
		}
	}
	return err
}

// batchIDs checks what a person typed.
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
