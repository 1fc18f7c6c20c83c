// Package retention deletes batches: at once or after a set time, with a moment in which it can be undone.
package retention

import (
	"cmp"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/run"
	"sheetlift/internal/batch/settings"
)

// Service deletes batches and carries out deadlines. All methods are safe for concurrent use, also by several processes.
type Service struct {
	batches *batch.Batches
	run     *run.Service
	keep    time.Duration
	ports   Ports
}

// Ports are the ports of a Service.
type Ports struct {
	Repository   batch.Repository
	Queue        batch.Queue
	Pictures     batch.Pictures
	ReadingCache batch.ReadingCache // nil: there are no earlier readings
}

// New returns a Service. keep is the retention of batches that set none: 0 is settings.DefaultKeep, below 0 for ever.
func New(batches *batch.Batches, runs *run.Service, keep time.Duration, ports Ports) *Service {
	return &Service{batches: batches, run: runs, keep: cmp.Or(keep, settings.DefaultKeep), ports: ports}
}
