// Package usecases builds the services of all packages below batch over one set of ports, in the order in which they need each
// other.
package usecases

import (
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/batch/retention"
	"sheetlift/internal/batch/run"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/danger"
)

// Ports are the dependencies of the services.
type Ports struct {
	Repository   batch.Repository
	Queue        batch.Queue
	Pictures     batch.Pictures
	Intake       batch.Intake
	Readers      batch.Readers
	Templates    batch.Templates           // nil: columns cannot be saved
	Previewer    batch.Previewer           // nil: no previews
	Ledger       batch.Ledger              // nil: figures are lost with their batch
	Orientation  batch.OrientationDetector // nil: orientation is not checked
	ReadingCache batch.ReadingCache        // nil: earlier readings are not used again
	Danger       *danger.Guard             // nil: open pictures are not marked
	ImageCache   batch.ImageSource         // nil: the images of a batch are loaded for each page
	DraftIndex   batch.DraftIndex          // nil: each upload loads all images of its batch
}

// Limits are the limits of one batch.
type Limits struct {
	MaxImages int           // images per batch: 1 to 5,000
	Keep      time.Duration // retention after the end, unless the batch sets its own; 0 is the default, below 0 for ever
	Witness   batch.Witness // of new batches; "" is batch.WitnessOff
}

// Services are the use cases on batches. Every entry point (page, API, command line) calls them.
type Services struct {
	Batches   *batch.Batches
	Settings  *settings.Service
	Run       *run.Service
	Retention *retention.Service
	Draft     *draft.Service
	Templates *draft.Templates
	Edit      *edit.Service
}

// New builds the services.
func New(p Ports, l Limits) *Services {
	batches := batch.NewBatches(batch.Storage{Repository: p.Repository, Pictures: p.Pictures, Ledger: p.Ledger, ImageCache: p.ImageCache})
	set := settings.New(batches, settings.Ports{Queue: p.Queue, Readers: p.Readers})
	runs := run.New(batches, set, run.Ports{Repository: p.Repository, Queue: p.Queue, Readers: p.Readers})
	return &Services{
		Batches: batches, Settings: set, Run: runs, Edit: edit.New(batches), Templates: draft.NewTemplates(p.Templates),
		Retention: retention.New(batches, runs, l.Keep, retention.Ports{Repository: p.Repository, Queue: p.Queue, Pictures: p.Pictures, ReadingCache: p.ReadingCache}),
		Draft: draft.New(batches, set, runs, draft.Limits{MaxImages: l.MaxImages, Witness: l.Witness}, draft.Ports{
			Repository: p.Repository, Pictures: p.Pictures, Index: p.DraftIndex, Intake: p.Intake, Readers: p.Readers,
			Previewer: p.Previewer, Orientation: p.Orientation, Danger: p.Danger,
		}),
	}
}
