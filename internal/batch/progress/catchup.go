package progress

import (
	"context"
	"time"

	"sheetlift/internal/batch"
)

// catchUpFor is how long CatchUp waits at most; changes arrive within milliseconds on a machine that keeps up.
const catchUpFor = 2 * time.Second

// CatchUp waits, for two seconds at most, until Progress knows a batch as it is stored now. Handlers call it after an act that
// begins a batch again, so that whoever acted and then asks is not told of the end before.
func (p *Progress) CatchUp(ctx context.Context, id batch.ID) {
	stored, err := p.repo.Batch(ctx, id)
	if err != nil {
		return // the next question meets the same error
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpFor)
	defer cancel()
	p.Until(ctx, id, func(b *batch.Batch) bool { return b == nil || b.Rev >= stored.Rev })
}
