package keypool

import "time"

// group is a batch, as far as the pool knows it.
type group struct {
	time    int        // its next virtual start time (fair queueing)
	atOnce  int        // calls that it may have at once; 0: no bound
	behind  func() int // see Want.Behind
	waiting int        // callers that wait
	running []*Lease
	calls   int // issued, without doubles
	doubles int // issued
}

// group returns the group of a caller, with the figures that the caller gives for it.
func (p *Pool) group(want Want) *group {
	g := p.groups[want.Group]
	if g == nil {
		g = &group{}
		p.groups[want.Group] = g
	}
	g.atOnce, g.behind = want.AtOnce, want.Behind
	return g
}

// maxGroups bounds the groups that are kept without a caller, for their virtual times and their doubles.
const maxGroups = 1000

func (p *Pool) dropIdleGroups() {
	if len(p.groups) <= maxGroups {
		return
	}
	for name, g := range p.groups {
		if g.waiting == 0 && len(g.running) == 0 {
			delete(p.groups, name)
		}
	}
}

// full reports whether the group has as many calls as it may have.
func (g *group) full() bool { return g.atOnce > 0 && len(g.running) >= g.atOnce }

// left returns how many images of the group have no call yet; known is false for a group whose end is not known.
func (g *group) left() (n int, known bool) {
	if g.behind == nil {
		return 0, false
	}
	return g.behind(), true
}

// tail reports whether every image that is left has a caller, so that the batch ends with the calls that are made now.
func (g *group) tail() bool { return g.behind != nil && g.behind() <= g.waiting }

// lasts returns how long the group goes on at least, with calls of that many seconds.
func (g *group) lasts(seconds float64) (d float64, known bool) {
	n, known := g.left()
	return float64(n) * seconds / float64(max(1, g.atOnce)), known
}

func (g *group) remove(l *Lease) {
	for i, other := range g.running {
		if other == l {
			g.running = append(g.running[:i], g.running[i+1:]...)
			return
		}
	}
}

// age returns how long a call has been running, in seconds.
func (l *Lease) age(now time.Time) float64 { return now.Sub(l.started).Seconds() }
