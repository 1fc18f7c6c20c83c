package progress

import (
	"time"

	"sheetlift/internal/batch"
)

const (
	// paceWindow is the number of newest ends that the pace is computed from: enough to be steady at 64 at once, few enough to
	// follow a change of pace within a minute at 5 at once.
	paceWindow = 40
	// paceAfter is the time after which a pace is told although not all that began at once have ended.
	paceAfter = time.Minute
)

// pace counts the ends of images in a window of time. The window begins when the images begin to be read, not with the first
// end: images that begin together end together, and from one end to the next there is no time.
type pace struct {
	since time.Time   // beginning of the window
	ended []time.Time // in the window, the oldest first; at most paceWindow
}

// count adds the end of an image.
func (p *pace) count(at time.Time) {
	if p.since.IsZero() {
		p.since = at
		return
	}
	if p.ended = append(p.ended, at); len(p.ended) > paceWindow {
		p.since, p.ended = p.ended[0], p.ended[1:]
	}
}

// of returns the images of b that become final per minute, and the time that the remaining ones take at that pace; 0 while it
// is too early to tell.
func (p *pace) of(b *batch.Batch, rest int, now time.Time) (perMinute float64, left time.Duration) {
	took := now.Sub(p.since)
	if len(p.ended) < 2 || took <= 0 || len(p.ended) < min(b.Options.AtOnce, b.Total()) && took < paceAfter {
		return 0, 0
	}
	perMinute = float64(len(p.ended)) / took.Minutes()
	return perMinute, time.Duration(float64(rest) / perMinute * float64(time.Minute)).Round(time.Second)
}
