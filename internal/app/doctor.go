package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/engine/tesseract"
	"sheetlift/internal/errs"
	"sheetlift/internal/keypool"
	"sheetlift/internal/store"
	"sheetlift/internal/upkeep"
)

// Doctor checks everything that is stored, mends what can be mended, and writes what it found. It reports whether all
// is well now. It needs a data folder for itself: while a process uses it, the error says which. On a cluster others may
// work meanwhile.
func Doctor(ctx context.Context, c *config.Config, w io.Writer, log *slog.Logger) (bool, error) {
	where, before := c.Data, time.Now()
	if c.Cluster.URL != "" {
		where, before = store.Cluster(c.Cluster).String(), before.Add(-settled)
	} else if c.Data == config.Memory {
		_, err := fmt.Fprintln(w, "SHEETLIFT_DATA is :memory:, so there is nothing to check.")
		return true, err
	}
	if _, err := os.Stat(c.Data); err != nil && c.Cluster.URL == "" {
		return false, errs.Wrap(err, errs.NotFound, "There is no data folder %s. Set SHEETLIFT_DATA to the folder to check", c.Data)
	}
	s, err := openFor(ctx, c, log)
	if err != nil {
		return false, err
	}
	defer s.Close()
	batches := batch.NewService(batch.Ports{
		Repository: s, Queue: s.Queue(), Pictures: s,
		Readers: engines{keys: keypool.New(nil, keypool.Options{})}, // nothing is started here, only carried on
	}, batch.Limits{MaxImages: c.MaxImages})
	report, err := upkeep.Check(ctx, upkeep.Deps{Batches: batches, Repository: s, Pictures: s, Inventory: s},
		upkeep.Options{Mend: true, All: true, Before: before})
	if err != nil {
		return false, err
	}
	good, err := tell(w, where, report)
	if err != nil {
		return false, err
	}
	_, err = fmt.Fprintln(w, offlineReader(c))
	return good, err
}

// offlineReader says what the offline engine can do on this machine, or why it cannot.
func offlineReader(c *config.Config) string {
	offline, err := tesseract.New(tesseract.Options{Path: c.Tesseract})
	if err != nil {
		return errs.Message(err)
	}
	can := fmt.Sprintf("Tesseract %s can read offline. ", offline.Version())
	if _, err := offline.Compass(); err != nil {
		return can + errs.Message(err)
	}
	return can + "Pictures that stand upside down or lie on their side are noticed."
}

// tell writes a report for the technician.
func tell(w io.Writer, where string, r *upkeep.Report) (bool, error) {
	for _, f := range r.Findings {
		fmt.Fprintln(w, f)
	}
	verdict := "All is well."
	mended := len(r.Findings) - r.Count(upkeep.Left) - r.Count(upkeep.Stalled) - r.Count(upkeep.Broken)
	switch broken := r.Count(upkeep.Broken); {
	case broken > 0:
		verdict = fmt.Sprintf("%d things are broken, and nothing was swept: restore a backup, then run this again.", broken)
	case !r.Sound():
		verdict = "Not everything could be mended: run this again."
	case mended > 0:
		verdict = fmt.Sprintf("%d things were mended; now all is well.", mended)
	}
	_, err := fmt.Fprintf(w, "Looked at %d batches, %d images, %d pictures and %d units of work in %s. %s\n",
		r.Batches, r.Images, r.Pictures, r.Units, where, verdict)
	return r.Sound(), err
}

// tidy puts in order what the last process may have left behind when it was killed.
func (a *App) tidy(ctx context.Context) error {
	report, err := upkeep.Check(ctx, a.checked, upkeep.Options{Mend: true, Before: a.opened})
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("what is stored could not be checked; run sheetlift doctor", "err", err)
		}
		return nil // whatever is wrong with it, what can be served is served
	}
	for _, f := range report.Findings {
		level := slog.LevelInfo
		if f.Kind == upkeep.Broken {
			level = slog.LevelError
		}
		a.log.Log(ctx, level, "found at the start", "kind", string(f.Kind), "batch", f.Batch, "image", f.N, "what", f.Text, "mended", f.Mended)
	}
	return nil
}
