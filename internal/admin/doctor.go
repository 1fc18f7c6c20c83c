package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/setup"
	"sheetlift/internal/store"
	"sheetlift/internal/upkeep"
)

// Doctor checks all stored data, repairs the damage that can be repaired, and writes its findings. It reports whether all
// data is sound now. It needs a data folder for itself: while another process uses the folder, the error names that process.
// On a cluster, other processes may work meanwhile.
func Doctor(ctx context.Context, c *config.Config, w io.Writer, log *slog.Logger) (bool, error) {
	where, before := c.Data, setup.OrphansBefore(c, time.Now())
	if c.Cluster.URL != "" {
		where = store.Cluster(c.Cluster).String()
	} else if c.Data == config.Memory {
		_, err := fmt.Fprintln(w, "SHEETLIFT_DATA is :memory:, so there is nothing to check.")
		return true, err
	}
	if err := holdsData(c); err != nil {
		return false, err
	}
	s, err := setup.OpenStore(ctx, c, log)
	if err != nil {
		return false, err
	}
	defer s.Close()
	services := usecases.New(usecases.Ports{
		Repository: s, Queue: s.Queue(), Pictures: s,
		Readers: noReaders{},
	}, usecases.Limits{MaxImages: c.MaxImages})
	report, err := upkeep.Check(ctx, upkeep.Deps{Runs: services.Run, Retention: services.Retention, Repository: s, Pictures: s, Inventory: s.Inventory()},
		upkeep.Options{Repair: true, All: true, Before: before})
	if err != nil {
		return false, err
	}
	good, err := tell(w, where, report)
	if err != nil {
		return false, err
	}
	_, err = fmt.Fprintln(w, offlineReader(ctx, c))
	return good, err
}

// offlineReader describes the abilities of the offline engine on this machine, or says why it cannot work.
func offlineReader(ctx context.Context, c *config.Config) string {
	offline := setup.NewOffline(ctx, c, slog.New(slog.DiscardHandler))
	defer offline.Close()
	if offline.Err != nil {
		return errs.Message(offline.Err)
	}
	can := offline.Says() + " "
	if _, err := offline.Engine.OrientationDetector(); err != nil {
		return can + errs.Message(err)
	}
	return can + "Pictures that stand upside down or lie on their side are noticed."
}

// tell writes the report of the check for the technician.
func tell(w io.Writer, where string, r *upkeep.Report) (bool, error) {
	for _, f := range r.Findings {
		fmt.Fprintln(w, f)
	}
	verdict := "All is well."
	mended := len(r.Findings) - r.Count(upkeep.Orphan) - r.Count(upkeep.Stuck) - r.Count(upkeep.Corrupt)
	switch broken := r.Count(upkeep.Corrupt); {
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

// noReaders is a batch.Readers for a check: no batch is started, only an interrupted start is completed.
type noReaders struct{}

// Choose implements batch.Readers.
func (noReaders) Choose(string) (engine, model string, err error) {
	return "", "", errs.New(errs.Invalid, "A check starts no batch. Start it in the running program.")
}
