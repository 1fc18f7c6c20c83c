// Package run starts batches and carries them to their end: starting, scheduling, pausing, retrying, canceling, queueing, ending.
package run

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/batch/settings"
)

// Service runs batches. All methods are safe for concurrent use, also by several processes.
type Service struct {
	batches  *batch.Batches
	settings *settings.Service
	ports    Ports
}

// Ports are the ports of a Service.
type Ports struct {
	Repository batch.Repository
	Queue      batch.Queue
	Readers    batch.Readers
}

// New returns a Service.
func New(batches *batch.Batches, set *settings.Service, ports Ports) *Service {
	return &Service{batches: batches, settings: set, ports: ports}
}
