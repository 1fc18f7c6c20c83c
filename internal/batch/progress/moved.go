package progress

import "sheetlift/internal/batch"

// Moved returns a channel that is closed at the next change of a batch or of one of its images, also when the batch is removed.
// Take it before reading the state that is to be followed: a change in between is then not missed.
func (p *Progress) Moved(id batch.ID) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.moved[id] == nil {
		p.moved[id] = make(chan struct{})
	}
	return p.moved[id]
}

// movedLocked wakes those that wait for a change of a batch; p.mu must be held.
func (p *Progress) movedLocked(id batch.ID) {
	if moved := p.moved[id]; moved != nil {
		close(moved)
		delete(p.moved, id)
	}
}
