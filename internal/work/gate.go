package work

import (
	"context"
	"sync"
)

// headStart is how many turns a group may have before it shares evenly with those that came before: with even shares
// alone a small group behind a large one would take a little more than twice its time.
const headStart = 6

// Gate lets a number of callers through at a time. Those who wait come in by priority, then their groups take turns,
// then in the order of asking: a small group is not held up by a large one that asked before. Some places may be kept
// for groups that have only a few, so that one which takes all it gets leaves room for the next.
type Gate struct {
	mu      sync.Mutex
	free    int
	kept    int            // places for groups that have fewer than so many
	inside  map[string]int // places by group
	waiting []*asker
	served  map[string]int // per group: the turn that it is due for
	turn    int            // the latest that was served
}

type asker struct {
	group    string
	priority Priority
	granted  chan struct{} // closed when the place is the asker's
}

// NewGate returns a gate with that many places, at least one, of which some are kept for groups that have fewer than
// so many.
func NewGate(places, kept int) *Gate {
	return &Gate{free: max(places, 1), kept: kept, inside: map[string]int{}, served: map[string]int{}}
}

// Enter waits for a place; Leave gives it back. It returns ctx's error when ctx ends first.
func (g *Gate) Enter(ctx context.Context, group string, priority Priority) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a := &asker{group: group, priority: priority, granted: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, a)
	g.let()
	g.mu.Unlock()
	select {
	case <-a.granted:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.waiting {
		if other == a {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	g.leave(group) // it was granted at the same moment
	return ctx.Err()
}

// Leave gives a place of the group back.
func (g *Gate) Leave(group string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave(group)
}

func (g *Gate) leave(group string) {
	g.free++
	if g.inside[group]--; g.inside[group] == 0 {
		delete(g.inside, group)
	}
	g.let()
}

// due is the turn of a group. One that was not here lately gets its head start, and no more.
func (g *Gate) due(group string) int { return max(g.served[group], g.turn-headStart) }

// best is who comes in next, or -1 when nobody may.
func (g *Gate) best() int {
	best := -1
	for i, a := range g.waiting {
		if g.free <= g.kept && g.inside[a.group] >= g.kept {
			continue
		}
		if best < 0 || a.priority > g.waiting[best].priority ||
			a.priority == g.waiting[best].priority && g.due(a.group) < g.due(g.waiting[best].group) {
			best = i
		}
	}
	return best
}

func (g *Gate) let() {
	for g.free > 0 {
		best := g.best()
		if best < 0 {
			break
		}
		a := g.waiting[best]
		g.waiting = append(g.waiting[:best], g.waiting[best+1:]...)
		g.free--
		g.inside[a.group]++
		due := g.due(a.group)
		g.turn, g.served[a.group] = max(g.turn, due), due+1
		close(a.granted)
	}
	if len(g.waiting) == 0 && len(g.served) > 1000 {
		clear(g.served)
	}
}
