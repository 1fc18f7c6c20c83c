package worker

import (
	"context"
	"sync"
	"time"

	"sheetlift/internal/batch"
)

// throttledFor is how long a process reads at half speed after the previous process died while it opened pictures.
const throttledFor = 5 * time.Minute

// throttle halves the number of images in work at once after such a death: per batch, and in this process. Fewer pictures
// take less memory, and fewer are open beside one that crashes the program.
type throttle struct {
	slots int
	until time.Time // zero: it never was slow

	mu       sync.Mutex
	inflight map[batch.ID]int
	all      int
	released chan struct{} // closed and replaced when an image leaves
}

func newThrottle(slots int, slow bool) *throttle {
	p := &throttle{slots: slots, inflight: map[batch.ID]int{}, released: make(chan struct{})}
	if slow {
		p.until = time.Now().Add(throttledFor)
	}
	return p
}

// enter waits until one more image of a batch may be in work. leave must follow. It returns ctx's error when ctx ends first.
func (p *throttle) enter(ctx context.Context, id batch.ID, atOnce int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.slow() && (p.inflight[id] >= max(1, atOnce/2) || p.all >= max(1, p.slots/2)) {
		released, end := p.released, time.NewTimer(time.Until(p.until))
		p.mu.Unlock()
		select {
		case <-released:
		case <-end.C:
		case <-ctx.Done():
		}
		end.Stop()
		p.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	p.inflight[id]++
	p.all++
	return nil
}

func (p *throttle) leave(id batch.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inflight[id]--; p.inflight[id] == 0 {
		delete(p.inflight, id)
	}
	p.all--
	close(p.released)
	p.released = make(chan struct{})
}

func (p *throttle) slow() bool { return time.Now().Before(p.until) }

// Slow returns until when half as many images as usual are read at once, because the program died while it opened
// pictures; zero when it reads at full speed.
func (r *Runner) Slow() (until time.Time) {
	if r.throttle.slow() {
		return r.throttle.until
	}
	return time.Time{}
}
