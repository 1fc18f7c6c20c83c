package app

import (
	"maps"
	"net/http"
	"slices"

	"sheetlift/internal/metrics"
)

// metrics returns the handler for the metrics of this process.
func (a *App) metrics() http.Handler {
	return metrics.Handler(metrics.Sources{
		Pool: a.pool, Batches: a.services.Batches, Draft: a.services.Draft, Progress: a.progress, Engines: slices.Sorted(maps.Keys(a.engines.byName)),
		InHand: a.runner.InFlight, Queued: a.store.Queue().Len, Version: a.version, Log: a.log,
		Disk: func() (free, total int64, err error) {
			space, err := a.store.Space()
			return space.Free, space.Total, err
		},
	})
}
