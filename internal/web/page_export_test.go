package web

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/live"
)

// LiveSource lets tests look at what browsers that watch a batch are sent.
func (s *Server) LiveSource(id batch.ID) live.Source { return s.liveSource(id, "en") }
