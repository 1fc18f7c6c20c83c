package app

import (
	"context"
	"log/slog"

	"sheetlift/internal/upkeep"
)

// tidy repairs the leftovers of the last process, which may have been killed in the middle of a write.
func (a *App) tidy(ctx context.Context) error {
	report, err := upkeep.Check(ctx, a.checked, upkeep.Options{Repair: true, Before: a.opened})
	if err != nil {
		if ctx.Err() == nil {
			a.log.Error("what is stored could not be checked; run sheetlift doctor", "err", err)
		}
		return nil // a failed check does not stop the program: it serves the data that it can read
	}
	for _, f := range report.Findings {
		level := slog.LevelInfo
		if f.Kind == upkeep.Corrupt {
			level = slog.LevelError
		}
		a.log.Log(ctx, level, "found at the start", "kind", string(f.Kind), "batch", f.Batch, "image", f.N, "what", f.Text, "mended", f.Repaired)
	}
	return nil
}
