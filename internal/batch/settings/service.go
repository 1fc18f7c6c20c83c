// Package settings changes batches and images where that is allowed at any time: names, priorities, model, retention.
package settings

import "sheetlift/internal/batch"

// Service changes settings. All methods are safe for concurrent use, also by several processes.
type Service struct {
	batches *batch.Batches
	ports   Ports
}

// Ports are the ports of a Service.
type Ports struct {
	Queue   batch.Queue
	Readers batch.Readers
}

// New returns a Service.
func New(batches *batch.Batches, ports Ports) *Service {
	return &Service{batches: batches, ports: ports}
}
