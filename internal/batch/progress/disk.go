package progress

import (
	"sheetlift/internal/batch"
)

// SetFull tells Progress whether the disk is full. It returns the batches that Shown presents differently from now on.
func (p *Progress) SetFull(full bool) []batch.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full == full {
		return nil
	}
	p.full = full
	var changed []batch.ID
	for id, b := range p.batches {
		if b.Reads() {
			changed = append(changed, id)
			p.movedLocked(id)
		}
	}
	return changed
}

// Full returns the value of the last SetFull.
func (p *Progress) Full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.full
}

// Shown returns a batch for display: while the disk is full, a batch that would be read is shown as paused for the disk,
// because the disk may have no room left to store that pause. The result is read only and never stored; nil stays nil.
func (p *Progress) Shown(b *batch.Batch) *batch.Batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shownLocked(b)
}

// shownLocked is Shown; p.mu must be held.
func (p *Progress) shownLocked(b *batch.Batch) *batch.Batch {
	if !p.full || b == nil || !b.Reads() {
		return b
	}
	paused := *b
	paused.Status, paused.Pause, paused.Cooldown = batch.Paused, batch.PausedByDisk, nil
	return &paused
}

// Stored returns a batch as last received from the store, or nil if it is not loaded.
func (p *Progress) Stored(id batch.ID) *batch.Batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.batches[id]
}
