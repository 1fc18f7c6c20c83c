// Package edit changes the rows of completed images: edits by people, undo, replacing, the comparison with a second reading.
package edit

import "sheetlift/internal/batch"

// Service edits rows. All methods are safe for concurrent use, also by several processes.
type Service struct {
	batches *batch.Batches
}

// New returns a Service.
func New(batches *batch.Batches) *Service { return &Service{batches} }
