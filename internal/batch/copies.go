package batch

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	copiesFor  = 5 * time.Minute  // how long the copies of a batch stay that nobody asks for
	copiesRoom = 5000             // images of batches beside the one that is asked for: as many as one batch may hold
	copyLimit  = 10 * time.Second // one load of all images of a batch
)

// Copies are the images of batches that somebody looks at, in memory: a page of 500 images that changes eight times a
// second is drawn from them without decoding 500 documents each time. Changes keep them right. A nil *Copies has none.
type Copies struct {
	repo    Repository
	changes Changes

	mu     sync.Mutex
	follow bool // Run has begun
	held   map[ID]*copied
}

// copied is one batch.
type copied struct {
	loaded chan struct{} // closed when err and images stand
	err    error
	images map[int]standing
	used   time.Time
}

// standing is the newest known state of one image.
type standing struct {
	rev   uint64
	image *Image // nil when it is gone
}

// NewCopies returns the copies of what repo holds and changes tell of; Run must run for there to be any.
func NewCopies(repo Repository, changes Changes) *Copies {
	return &Copies{repo: repo, changes: changes, held: map[ID]*copied{}}
}

// Run keeps the copies right until ctx ends.
func (c *Copies) Run(ctx context.Context) error {
	cancel, err := c.changes.Subscribe(ctx, c.see)
	if err != nil {
		return err
	}
	defer cancel()
	c.mu.Lock()
	c.follow = true
	c.mu.Unlock()
	defer c.clear()
	old := time.NewTicker(copiesFor / 5)
	defer old.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-old.C:
			c.forget(now.Add(-copiesFor))
		}
	}
}

func (c *Copies) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.follow = false
	clear(c.held)
}

// forget drops what nobody asked for since.
func (c *Copies) forget(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, h := range c.held {
		if h.used.Before(since) {
			delete(c.held, id)
		}
	}
}

func (c *Copies) see(ch Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.held[ch.ID]
	switch {
	case h == nil:
	case ch.N == 0 && ch.Gone:
		delete(c.held, ch.ID)
	case ch.N == 0:
	case ch.Gone:
		h.images[ch.N] = standing{rev: h.images[ch.N].rev}
	case ch.Image.Rev > h.images[ch.N].rev:
		h.images[ch.N] = standing{ch.Image.Rev, ch.Image}
	}
}

// stored is what Repository.Images returns, as it is at the time of the call or later. Each image is the caller's to
// change, but what it refers to (rows, tries, columns) is shared and read only.
func (c *Copies) stored(ctx context.Context, repo Repository, id ID) ([]*Image, error) {
	if c == nil {
		return repo.Images(ctx, id)
	}
	h, first := c.hold(id)
	if h == nil {
		return repo.Images(ctx, id)
	}
	if first {
		c.load(ctx, id, h)
	}
	select {
	case <-h.loaded:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if h.err != nil {
		return nil, h.err
	}
	if err := c.changes.CatchUp(ctx); err != nil { // the word of a change is lost or late: nobody knows what is missing
		c.drop(id, h)
		return repo.Images(ctx, id)
	}
	return c.list(h), nil
}

// hold returns what is held of a batch, and whether the caller is to load it; nil when nothing can be held.
func (c *Copies) hold(id ID) (h *copied, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.follow {
		return nil, false
	}
	if h = c.held[id]; h == nil {
		h, first = &copied{loaded: make(chan struct{}), images: map[int]standing{}}, true
		c.makeRoom()
		c.held[id] = h
	}
	h.used = time.Now()
	return h, first
}

// makeRoom drops the batches that were not asked for the longest while there are too many images.
func (c *Copies) makeRoom() {
	ids := make([]ID, 0, len(c.held))
	images := 0
	for id, h := range c.held {
		ids = append(ids, id)
		images += len(h.images)
	}
	slices.SortFunc(ids, func(a, b ID) int { return cmp.Or(c.held[a].used.Compare(c.held[b].used), cmp.Compare(a, b)) })
	for _, id := range ids {
		if images <= copiesRoom {
			return
		}
		images -= len(c.held[id].images)
		delete(c.held, id)
	}
}

func (c *Copies) drop(id ID, h *copied) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[id] == h {
		delete(c.held, id)
	}
}

// load fills h with what is stored. What changes while it loads comes by see and is newer. It serves all who wait, so it
// goes on when the one who asked first has left.
func (c *Copies) load(ctx context.Context, id ID, h *copied) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), copyLimit)
	defer cancel()
	images, err := c.repo.Images(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range images {
		if have, seen := h.images[m.N]; !seen || have.image != nil && have.rev < m.Rev {
			h.images[m.N] = standing{m.Rev, m}
		}
	}
	if h.err = err; err != nil && c.held[id] == h {
		delete(c.held, id)
	}
	close(h.loaded)
}

// list is what h holds, ordered by N.
func (c *Copies) list(h *copied) []*Image {
	c.mu.Lock()
	images := make([]*Image, 0, len(h.images))
	for _, one := range h.images {
		if one.image != nil {
			images = append(images, one.image)
		}
	}
	c.mu.Unlock()
	own := make([]Image, len(images))
	for i, m := range images {
		own[i] = *m
		// What is added to these must not be written behind those of others.
		own[i].Issues, own[i].Picture.Notes = slices.Clip(m.Issues), slices.Clip(m.Picture.Notes)
		images[i] = &own[i]
	}
	slices.SortFunc(images, func(a, b *Image) int { return cmp.Compare(a.N, b.N) })
	return images
}
