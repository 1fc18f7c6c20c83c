package app

import (
	"maps"
	"net/http"
	"slices"

	"sheetlift/internal/metrics"
)

// metrics answers with the figures of this process.
func (a *App) metrics() http.Handler {
	return metrics.Handler(metrics.Sources{
		Pool: a.pool, Batches: a.batches, Board: a.board, Engines: slices.Sorted(maps.Keys(a.engines.byName)),
		InHand: a.runner.InHand, Queued: a.store.Queue().Len, Version: a.version, Log: a.log,
		Disk: func() (free, total int64, err error) {
			space, err := a.store.Space()
			return space.Free, space.Total, err
		},
	})
}
