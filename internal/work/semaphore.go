package work

import (
	"context"
	"sync"
)

// headStart is the number of slots that a new group gets before it shares evenly with older groups. With even
// shares alone a small group behind a large one would take a little more than twice its time.
const headStart = 6

// FairSemaphore admits a fixed number of callers at a time. Waiting callers enter by priority, then by the virtual
// time of their group (fair queueing), then in order of arrival: a small group is not held up by a large one that
// came before. Some slots may be reserved for groups that hold few, so that a group which takes all it gets leaves
// room for the next.
type FairSemaphore struct {
	mu          sync.Mutex
	free        int
	reserved    int            // slots for groups that hold fewer than this many
	held        map[string]int // slots held, by group
	waiting     []*waiter
	groupTime   map[string]int // per group: its next virtual start time
	virtualTime int            // the latest virtual start time served
}

type waiter struct {
	group    string
	priority Priority
	granted  chan struct{} // closed when the slot is granted
}

// NewFairSemaphore returns a semaphore with that many slots, at least one. Of these, reserved slots go only to
// groups that hold fewer than reserved.
func NewFairSemaphore(places, reserved int) *FairSemaphore {
	return &FairSemaphore{free: max(places, 1), reserved: reserved, held: map[string]int{}, groupTime: map[string]int{}}
}

// Enter waits for a slot; Leave releases it. It returns ctx's error when ctx ends first.
func (g *FairSemaphore) Enter(ctx context.Context, group string, priority Priority) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a := &waiter{group: group, priority: priority, granted: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, a)
	g.admit()
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

// Leave releases a slot of the group.
func (g *FairSemaphore) Leave(group string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave(group)
}

func (g *FairSemaphore) leave(group string) {
	g.free++
	if g.held[group]--; g.held[group] == 0 {
		delete(g.held, group)
	}
	g.admit()
}

// startTime returns the virtual start time of a group. A group without recent slots gets its head start, and no
// more.
func (g *FairSemaphore) startTime(group string) int {
	return max(g.groupTime[group], g.virtualTime-headStart)
}

// best returns the index of the next caller to admit, or -1 if none may enter.
func (g *FairSemaphore) best() int {
	best := -1
	for i, a := range g.waiting {
		if g.free <= g.reserved && g.held[a.group] >= g.reserved {
			continue
		}
		if best < 0 || a.priority > g.waiting[best].priority ||
			a.priority == g.waiting[best].priority && g.startTime(a.group) < g.startTime(g.waiting[best].group) {
			best = i
		}
	}
	return best
}

func (g *FairSemaphore) admit() {
	for g.free > 0 {
		best := g.best()
		if best < 0 {
			break
		}
		a := g.waiting[best]
		g.waiting = append(g.waiting[:best], g.waiting[best+1:]...)
		g.free--
		g.held[a.group]++
		due := g.startTime(a.group)
		g.virtualTime, g.groupTime[a.group] = max(g.virtualTime, due), due+1
		close(a.granted)
	}
	if len(g.waiting) == 0 && len(g.groupTime) > 1000 {
		clear(g.groupTime)
	}
}
