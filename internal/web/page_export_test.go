package web

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/live"
)

// LiveSource gives tests access to the updates of a batch page.
func (s *Server) LiveSource(id batch.ID) live.Source { return s.liveSource(id, "en") }
