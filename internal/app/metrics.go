package app

import (
	"maps"
	"net/http"
	"slices"

	"sheetlift/internal/admin"
	"sheetlift/internal/logs"
	"sheetlift/internal/metrics"
)

func (a *App) backups() admin.Backups {
	return admin.Backups{Config: a.cfg, Version: a.version, Store: a.store, Log: logs.For(a.log, "backups")}
}

// metrics returns the handler for the metrics of this process.
func (a *App) metrics(requests *metrics.Requests) http.Handler {
	return metrics.Handler(metrics.Sources{
		Pool: a.pool, Batches: a.services.Batches, Draft: a.services.Draft, Progress: a.progress, Engines: slices.Sorted(maps.Keys(a.engines.byName)),
		InHand: a.runner.InFlight, Queued: a.store.Queue().Len, Version: a.version, Log: a.log, Requests: requests,
		Streams: func() int { return a.streams() }, Backup: a.backups().Newest,
		Disk: func() (free, total int64, err error) {
			space, err := a.store.Space()
			return space.Free, space.Total, err
		},
	})
}
