package admin

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sheetlift/internal/backup"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
)

const (
	backupEvery = 24 * time.Hour
	backupLook  = 10 * time.Minute // how often the process checks whether a backup is due
)

// Backups makes one backup a day of the running program, in the folder backups of its data folder.
type Backups struct {
	Config  *config.Config // Backups is how many are kept; 0 for none
	Version string         // of the program
	Store   *store.Store
	Log     *slog.Logger
}

// Run makes a backup a day inside the data folder and keeps the newest.
func (b Backups) Run(ctx context.Context) error {
	if b.Config.Backups == 0 || b.Config.Data == config.Memory || b.Config.Cluster.URL != "" {
		return nil
	}
	look := time.NewTicker(backupLook)
	defer look.Stop()
	for {
		if err := b.once(ctx, filepath.Join(b.Config.Data, "backups")); err != nil && ctx.Err() == nil {
			b.Log.Error("the daily backup failed; it is tried again soon", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// Newest returns when the newest daily backup was made; zero if there is none.
func (b Backups) Newest() (time.Time, error) {
	old, err := backups(filepath.Join(b.Config.Data, "backups"))
	if err != nil || len(old) == 0 {
		return time.Time{}, err
	}
	info, err := os.Stat(old[len(old)-1])
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

func (b Backups) once(ctx context.Context, dir string) error {
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
	ids, err := b.Store.Batches(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	if err := b.checkRoom(ctx); err != nil {
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
		sum, err := backup.Write(ctx, w, b.Store, b.Version)
		if err != nil {
			return err
		}
		for _, p := range sum.Problems {
			b.Log.Error("not in the backup", "file", name, "what", p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.Log.Info("backed up", "file", name)
	for old = append(old, name); len(old) > b.Config.Backups; old = old[1:] {
		if err := os.Remove(old[0]); err != nil {
			return err
		}
	}
	return nil
}

// checkRoom refuses a backup that would use up the disk.
func (b Backups) checkRoom(ctx context.Context) error {
	size, err := b.Store.Size(ctx)
	if err != nil {
		return err
	}
	space, err := b.Store.Space()
	if err != nil {
		return err
	}
	if space.Free-size < store.DefaultMinFree {
		return errs.New(errs.Full, "There is no room for a backup of %d MB in %s. Free some space, or set SHEETLIFT_BACKUPS to fewer or to 0",
			size>>20, b.Config.Data)
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
