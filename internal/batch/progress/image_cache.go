package progress

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"sheetlift/internal/batch"
)

const (
	cacheIdle        = 5 * time.Minute  // idle time after which the entry of a batch is dropped
	cacheMaxImages   = 5000             // images of other batches beside the one requested: as many as one batch may hold
	cacheLoadTimeout = 10 * time.Second // timeout for loading all images of a batch
)

// ImageCache caches the images of batches that are being viewed: a page of 500 images that changes eight times a second is rendered
// from memory instead of decoding 500 documents each time. Changes keep it up to date.
type ImageCache struct {
	repo    batch.Repository
	changes batch.Changes

	mu         sync.Mutex
	subscribed bool // Run has subscribed
	entries    map[batch.ID]*cacheEntry
}

// cacheEntry is the cache entry of one batch.
type cacheEntry struct {
	loaded chan struct{} // closed when err and images are set
	err    error
	images map[int]cachedImage
	index  *draftIndex // nil until an upload into the batch
	used   time.Time
}

// cachedImage is the newest known state of one image.
type cachedImage struct {
	rev   uint64
	image *batch.Image // nil if it was removed
}

// set stores the newest known state of image n.
func (h *cacheEntry) set(n int, c cachedImage) {
	if h.index != nil {
		h.index.drop(h.images[n].image)
		h.index.put(c.image)
	}
	h.images[n] = c
}

// newCachedImage returns the state for image m. The evidence of its rows is computed once, however often they are shown.
func newCachedImage(m *batch.Image) cachedImage {
	return cachedImage{m.Rev, m.WithEvidenceCache()}
}

// NewImageCache returns a cache over repo and changes. It stays empty until Run is called.
func NewImageCache(repo batch.Repository, changes batch.Changes) *ImageCache {
	return &ImageCache{repo: repo, changes: changes, entries: map[batch.ID]*cacheEntry{}}
}

// Run keeps the cache up to date until ctx ends.
func (c *ImageCache) Run(ctx context.Context) error {
	cancel, err := c.changes.Subscribe(ctx, c.onChange)
	if err != nil {
		return err
	}
	defer cancel()
	c.mu.Lock()
	c.subscribed = true
	c.mu.Unlock()
	defer c.clear()
	old := time.NewTicker(cacheIdle / 5)
	defer old.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-old.C:
			c.evictIdle(now.Add(-cacheIdle))
		}
	}
}

func (c *ImageCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribed = false
	clear(c.entries)
}

// evictIdle drops the batches that were not requested since the given time.
func (c *ImageCache) evictIdle(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, h := range c.entries {
		if h.used.Before(since) {
			delete(c.entries, id)
		}
	}
}

func (c *ImageCache) onChange(ch batch.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.entries[ch.ID]
	switch {
	case h == nil:
	case ch.N == 0 && ch.Gone:
		delete(c.entries, ch.ID)
	case ch.N == 0:
	case ch.Gone:
		h.set(ch.N, cachedImage{rev: h.images[ch.N].rev})
	case ch.Image.Rev > h.images[ch.N].rev:
		h.set(ch.N, newCachedImage(ch.Image))
	}
}

// Images returns the result of Repository.Images, no older than the time of the call. The caller may change each Image, but the
// values that it refers to (rows, attempts, columns) are shared: read only.
func (c *ImageCache) Images(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	h, err := c.entry(ctx, id)
	switch {
	case h != nil:
		return c.list(h), nil
	case errors.Is(err, errNotCached):
		return c.repo.Images(ctx, id)
	default:
		return nil, err
	}
}

// errNotCached is the error for images that have to be loaded from the store.
var errNotCached = errors.New("the images of this batch are not in memory")

// entry returns the entry of a batch, loaded and no older than the time of the call; or errNotCached.
func (c *ImageCache) entry(ctx context.Context, id batch.ID) (*cacheEntry, error) {
	h, first := c.acquire(id)
	if h == nil {
		return nil, errNotCached
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
	if err := c.changes.CatchUp(ctx); err != nil { // a change was lost or is late, and it is unknown which one
		c.drop(id, h)
		return nil, errNotCached
	}
	return h, nil
}

// acquire returns the entry of a batch and whether the caller must load it; nil if Run is not active.
func (c *ImageCache) acquire(id batch.ID) (h *cacheEntry, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.subscribed {
		return nil, false
	}
	if h = c.entries[id]; h == nil {
		h, first = &cacheEntry{loaded: make(chan struct{}), images: map[int]cachedImage{}}, true
		c.evictOldest()
		c.entries[id] = h
	}
	h.used = time.Now()
	return h, first
}

// evictOldest drops the least recently used batches while too many images are cached.
func (c *ImageCache) evictOldest() {
	ids := make([]batch.ID, 0, len(c.entries))
	images := 0
	for id, h := range c.entries {
		ids = append(ids, id)
		images += len(h.images)
	}
	slices.SortFunc(ids, func(a, b batch.ID) int {
		return cmp.Or(c.entries[a].used.Compare(c.entries[b].used), cmp.Compare(a, b))
	})
	for _, id := range ids {
		if images <= cacheMaxImages {
			return
		}
		images -= len(c.entries[id].images)
		delete(c.entries, id)
	}
}

func (c *ImageCache) drop(id batch.ID, h *cacheEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[id] == h {
		delete(c.entries, id)
	}
}

// load fills h from the store. Changes during the load arrive through see and are newer. Other callers wait for this load too,
// so it continues when the first caller's ctx ends.
func (c *ImageCache) load(ctx context.Context, id batch.ID, h *cacheEntry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cacheLoadTimeout)
	defer cancel()
	images, err := c.repo.Images(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range images {
		if have, seen := h.images[m.N]; !seen || have.image != nil && have.rev < m.Rev {
			h.set(m.N, newCachedImage(m))
		}
	}
	if h.err = err; err != nil && c.entries[id] == h {
		delete(c.entries, id)
	}
	close(h.loaded)
}

// List returns the images in h, ordered by N.
func (c *ImageCache) list(h *cacheEntry) []*batch.Image {
	c.mu.Lock()
	images := make([]*batch.Image, 0, len(h.images))
	for _, one := range h.images {
		if one.image != nil {
			images = append(images, one.image)
		}
	}
	c.mu.Unlock()
	return copies(images)
}

// copies replaces shared images by copies for one caller, ordered by N.
func copies(images []*batch.Image) []*batch.Image {
	own := make([]batch.Image, len(images))
	for i, m := range images {
		own[i] = *m
		// Clip, so that an append by this caller does not write into memory that others share.
		own[i].Issues, own[i].Picture.Notes = slices.Clip(m.Issues), slices.Clip(m.Picture.Notes)
		images[i] = &own[i]
	}
	slices.SortFunc(images, func(a, b *batch.Image) int { return cmp.Compare(a.N, b.N) })
	return images
}
