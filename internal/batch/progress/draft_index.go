package progress

import (
	"context"
	"encoding/hex"

	"sheetlift/internal/batch"
)

// draftIndex finds the images of one batch by upload, by source and by look. It belongs to a cacheEntry, under the lock of its
// cache.
type draftIndex struct {
	uploads  map[string]map[int]*batch.Image // by upload, then by N
	sources  map[string]int                  // number of images, by digest of the file sent
	looks    map[int][]byte                  // perceptual hashes, by N
	position int                             // the last position in use; -1: to be found again
}

func newDraftIndex(images map[int]cachedImage) *draftIndex {
	x := &draftIndex{uploads: map[string]map[int]*batch.Image{}, sources: map[string]int{}, looks: map[int][]byte{}}
	for _, c := range images {
		x.put(c.image)
	}
	return x
}

// put adds an image; nil adds nothing.
func (x *draftIndex) put(m *batch.Image) {
	if m == nil {
		return
	}
	if x.uploads[m.Upload] == nil {
		x.uploads[m.Upload] = map[int]*batch.Image{}
	}
	x.uploads[m.Upload][m.N] = m
	x.sources[m.Picture.Source]++
	if look, err := hex.DecodeString(m.Picture.PHash); err == nil && len(look) > 0 {
		x.looks[m.N] = look
	}
	if x.position >= 0 {
		x.position = max(x.position, m.QueuePosition())
	}
}

// drop removes an image that was put.
func (x *draftIndex) drop(m *batch.Image) {
	if m == nil {
		return
	}
	if delete(x.uploads[m.Upload], m.N); len(x.uploads[m.Upload]) == 0 {
		delete(x.uploads, m.Upload)
	}
	if x.sources[m.Picture.Source]--; x.sources[m.Picture.Source] == 0 {
		delete(x.sources, m.Picture.Source)
	}
	delete(x.looks, m.N)
	if m.QueuePosition() == x.position {
		x.position = -1
	}
}

// last returns the last position in use.
func (x *draftIndex) last() int {
	if x.position < 0 {
		x.position = 0
		for _, images := range x.uploads {
			for _, m := range images {
				x.position = max(x.position, m.QueuePosition())
			}
		}
	}
	return x.position
}

// alone reports whether no other image has the source of m, or looks like it.
func (x *draftIndex) alone(m *batch.Image) bool {
	same := x.sources[m.Picture.Source]
	if x.uploads[m.Upload][m.N] != nil {
		same--
	}
	if same > 0 && m.Picture.Source != "" {
		return false
	}
	look, err := hex.DecodeString(m.Picture.PHash)
	if err != nil || len(look) == 0 {
		return true
	}
	for n, other := range x.looks {
		if n != m.N && batch.Similar(look, other) {
			return false
		}
	}
	return true
}

// draftView is the view of one draft through its index.
type draftView struct {
	cache *ImageCache
	entry *cacheEntry
}

// Draft implements batch.DraftIndex: Unavailable if the images of the draft are not kept in memory.
func (c *ImageCache) Draft(ctx context.Context, id batch.ID) (batch.DraftView, error) {
	h, err := c.entry(ctx, id)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.index == nil {
		h.index = newDraftIndex(h.images)
	}
	return draftView{c, h}, nil
}

// Upload implements batch.DraftView.
func (v draftView) Upload(upload string) []*batch.Image {
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	images := make([]*batch.Image, 0, 1)
	for _, m := range v.entry.index.uploads[upload] {
		images = append(images, m)
	}
	return copies(images)
}

// Used implements batch.DraftView.
func (v draftView) Used(n int) bool {
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	return v.entry.images[n].image != nil
}

// NextPosition implements batch.DraftView.
func (v draftView) NextPosition() int {
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	return v.entry.index.last() + 1
}

// Alone implements batch.DraftView.
func (v draftView) Alone(m *batch.Image) bool {
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	return v.entry.index.alone(m)
}
