package batch

// SetFull tells Progress whether the disk is full. It returns the batches that Shown presents differently from now on.
func (b *Progress) SetFull(full bool) []ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full == full {
		return nil
	}
	b.full = full
	var changed []ID
	for id, batch := range b.batches {
		if batch.Reads() {
			changed = append(changed, id)
		}
	}
	return changed
}

// Full returns the value of the last SetFull.
func (b *Progress) Full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full
}

// Shown returns a batch for display: while the disk is full, a batch that would be read is shown as paused for the disk,
// because the disk may have no room left to store that pause. The result is read only and never stored; nil stays nil.
func (b *Progress) Shown(batch *Batch) *Batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shownLocked(batch)
}

// shownLocked is Shown; b.mu must be held.
func (b *Progress) shownLocked(batch *Batch) *Batch {
	if !b.full || batch == nil || !batch.Reads() {
		return batch
	}
	paused := *batch
	paused.Status, paused.Pause, paused.Cooldown = Paused, PausedByDisk, nil
	return &paused
}

// Stored returns a batch as last received from the store, or nil if it is not loaded.
func (b *Progress) Stored(id ID) *Batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.batches[id]
}
