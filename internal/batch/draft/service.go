// Package draft puts batches together before they start: creating, uploading, ordering, naming, trying out. Saved columns too.
package draft

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/batch/run"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/danger"
)

// Service puts drafts together. All methods are safe for concurrent use, also by several processes.
type Service struct {
	batches     *batch.Batches
	settings    *settings.Service
	run         *run.Service
	limits      Limits
	ports       Ports
	orientation orientationQueue
	counters    *counters
}

// Limits are the limits of one batch.
type Limits struct {
	MaxImages int           // images per batch: 1 to 5,000
	Witness   batch.Witness // of new batches; "" is batch.WitnessOff
}

// Ports are the ports of a Service.
type Ports struct {
	Repository  batch.Repository
	Pictures    batch.Pictures
	Index       batch.DraftIndex // nil: each upload loads all images of its batch
	Intake      batch.Intake
	Readers     batch.Readers
	Previewer   batch.Previewer           // nil: no previews
	Orientation batch.OrientationDetector // nil: orientation is not checked
	Danger      *danger.Guard             // nil: open pictures are not marked
}

// New returns a Service.
func New(batches *batch.Batches, set *settings.Service, runs *run.Service, limits Limits, ports Ports) *Service {
	return &Service{
		batches: batches, settings: set, run: runs, limits: limits, ports: ports,
		orientation: orientationQueue{wake: make(chan struct{}, 1)}, counters: newCounters(),
	}
}
