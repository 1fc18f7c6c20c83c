package batch

import (
	"context"
	"maps"
	"sync"
	"time"

	"sheetlift/internal/errs"
)

// End is the final result of an image.
type End struct {
	Result string // one of the End… constants
	Engine string // the engine that read it, or made the last attempt; "" for none
}

// The results.
const (
	EndRead      = "completed" // read by an engine
	EndFromCache = "reused"    // completed with an earlier reading: of the same picture, or its own after a reread was canceled or failed
	EndTyped     = "typed"     // its rows were typed by a person
	EndFailed    = "failed"
	EndCanceled  = "canceled"
)

// endCounter counts the images that became final.
type endCounter struct {
	mu sync.Mutex
	by map[End]uint64
}

func newEndCounter() *endCounter { return &endCounter{by: map[End]uint64{}} }

// Ended returns how many images became final since the start of the process, by result; an image that is read again counts again.
func (s *Batches) Ended() map[End]uint64 {
	s.ended.mu.Lock()
	defer s.ended.mu.Unlock()
	return maps.Clone(s.ended.by)
}

// Stored counts m, which had status before and was just stored. Code that writes images without the use cases must call it
// after each successful compare-and-swap.
func (s *Batches) Stored(before Status, m *Image) {
	if m.Status.Final() && m.Status != before {
		s.ended.mu.Lock()
		defer s.ended.mu.Unlock()
		s.ended.by[m.end()]++
	}
}

// end returns the result of m, which is final.
func (m *Image) end() End {
	a := m.Last()
	switch {
	case m.Status == Failed || m.Status == Canceled:
		e := End{Result: string(m.Status)}
		if a != nil {
			e.Engine = a.Engine
		}
		return e
	case m.Typed != nil:
		return End{EndTyped, ""}
	case a != nil && a.Why == "" && a.Ended.Equal(m.Ended):
		return End{EndRead, a.Engine}
	}
	return End{EndFromCache, ""}
}

// Batches is the access layer of everything below batch: it loads batches and images, and changes them in the one
// compare-and-swap loop of the domain. All methods are safe for concurrent use, also by several processes.
type Batches struct {
	ports  Storage
	images ImageSource
	ended  *endCounter
}

// Storage are the ports of Batches.
type Storage struct {
	Repository Repository
	Pictures   Pictures
	Ledger     Ledger      // nil: figures are lost with their batch
	ImageCache ImageSource // nil: the images of a batch are loaded for each page
}

// NewBatches returns the access layer over the given ports.
func NewBatches(ports Storage) *Batches {
	images := ports.ImageCache
	if images == nil {
		images = ports.Repository
	}
	return &Batches{ports: ports, images: images, ended: newEndCounter()}
}

// Update applies f to the stored batch until the compare-and-swap succeeds; f gets a fresh copy each time and returns false if
// nothing is to be saved.
func (s *Batches) Update(ctx context.Context, id ID, f func(*Batch) (bool, error)) (*Batch, error) {
	return s.UpdateAny(ctx, id, func(b *Batch) (bool, error) {
		if !b.Deleted.IsZero() {
			return false, NotFound()
		}
		return f(b)
	})
}

// UpdateAny is change for a batch that may be deleted.
func (s *Batches) UpdateAny(ctx context.Context, id ID, f func(*Batch) (bool, error)) (*Batch, error) {
	for {
		b, err := s.BatchOrDeleted(ctx, id)
		if err != nil {
			return nil, err
		}
		before := b.Status
		save, err := f(b)
		if err != nil || !save {
			return b, err
		}
		if b.Status != before && !before.BatchMayBecome(b.Status) {
			return nil, errs.New(errs.Conflict, "This batch is %s and cannot become %s.", string(before), string(b.Status))
		}
		err = s.ports.Repository.SaveBatch(ctx, b)
		if !errs.Is(err, errs.Conflict) || ctx.Err() != nil {
			return b, err
		}
	}
}

// UpdateImage is change for one image; f returns false if nothing is to be saved.
func (s *Batches) UpdateImage(ctx context.Context, id ID, n int, f func(*Image) (bool, error)) (*Image, error) {
	for {
		m, err := s.ports.Repository.Image(ctx, id, n)
		if err != nil {
			return nil, err
		}
		before := m.Status
		save, err := f(m)
		if err != nil || !save {
			return m, err
		}
		if m.Status != before && !before.ImageMayBecome(m.Status) {
			return nil, errs.New(errs.Conflict, "This image is %s and cannot become %s.", string(before), string(m.Status))
		}
		err = s.ports.Repository.SaveImage(ctx, m)
		if err == nil {
			s.Stored(before, m)
		}
		if !errs.Is(err, errs.Conflict) || ctx.Err() != nil {
			return m, err
		}
	}
}

// Batch returns a batch as stored; NotFound if it was deleted, never existed, or the id is malformed.
func (s *Batches) Batch(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.BatchOrDeleted(ctx, id)
	if err == nil && !b.Deleted.IsZero() {
		return nil, NotFound()
	}
	return b, err
}

// BatchOrDeleted is Batch, including a batch that is deleted and not yet erased.
func (s *Batches) BatchOrDeleted(ctx context.Context, id ID) (*Batch, error) {
	if !id.Valid() {
		return nil, NotFound()
	}
	return s.ports.Repository.Batch(ctx, id)
}

// Images returns the images of a batch in its order. After the start, a missing image makes the call fail with Unavailable
// rather than return a shorter list, and images uploaded too late are left out. Before the start, each image has a note about
// an earlier one that it resembles. Values that images refer to (rows, attempts, columns) may be shared: read only.
func (s *Batches) Images(ctx context.Context, id ID) ([]*Image, error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.List(ctx, b)
}

// List is Images for a batch that the caller has loaded.
func (s *Batches) List(ctx context.Context, b *Batch) ([]*Image, error) {
	stored, err := s.images.Images(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	images, err := b.inOrder(stored)
	if b.Status == Draft {
		NoteSimilar(images)
	} else {
		Judged(b, images)
	}
	return images, err
}

// StoredImages returns the images as stored; the caller owns them completely.
func (s *Batches) StoredImages(ctx context.Context, b *Batch) ([]*Image, error) {
	return LoadImages(ctx, s.ports.Repository, b)
}

// Draft returns the images of a batch in its order. While it is a draft, excluded images are returned separately as out.
func (s *Batches) Draft(ctx context.Context, id ID) (images, out []*Image, err error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if b.Order != nil {
		images, err = s.Images(ctx, id)
		return images, nil, err
	}
	stored, err := s.images.Images(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	images, out = b.Arrange(stored)
	NoteSimilar(images)
	return images, out, nil
}

// Image returns one image; NotFound if the batch or the image does not exist.
func (s *Batches) Image(ctx context.Context, id ID, n int) (*Image, error) {
	if !id.Valid() || n < 1 {
		return nil, NotFound()
	}
	return s.ports.Repository.Image(ctx, id, n)
}

// Picture returns the prepared picture of an image, or its thumbnail, and its MIME type.
func (s *Batches) Picture(ctx context.Context, id ID, n int, kind Kind) (data []byte, mime string, err error) {
	m, err := s.Image(ctx, id, n)
	if err != nil {
		return nil, "", err
	}
	data, err = s.ports.Pictures.GetPicture(ctx, id, m.Picture.Key, kind)
	if err != nil {
		return nil, "", err
	}
	if kind == Thumb {
		return data, "image/jpeg", nil
	}
	return data, m.Picture.MIME, nil
}

// NotFound returns the error for a batch or an image that does not exist.
func NotFound() error {
	return errs.New(errs.NotFound, "There is nothing here: it was deleted, or the address is wrong.")
}

// Days returns the figures of each engine on each day, newest day first, for the batches that have ended, whether or not they
// still exist.
func (s *Batches) Days(ctx context.Context) ([]Day, error) {
	if s.ports.Ledger == nil {
		return nil, nil
	}
	entered, err := s.ports.Ledger.Entered(ctx)
	if err != nil {
		return nil, err
	}
	oldest := time.Now().UTC().Add(-LedgerKeep).Format(time.DateOnly)
	sums := map[dayKey]*Day{}
	for _, d := range entered {
		key := dayKey{d.Day, d.Engine}
		if d.Day < oldest {
			continue
		}
		if sums[key] == nil {
			sums[key] = &Day{Day: d.Day, Engine: d.Engine}
		}
		sums[key].add(d)
	}
	maps.DeleteFunc(sums, func(_ dayKey, d *Day) bool { return *d == Day{Day: d.Day, Engine: d.Engine} })
	return sortDays(sums), nil
}

// EnterLedger writes the figures of a batch into the ledger. It runs before the batch ends and before it is erased, and may be
// repeated: a batch has one entry.
func (s *Batches) EnterLedger(ctx context.Context, b *Batch, images []*Image) error {
	if s.ports.Ledger == nil || b.Order == nil {
		return nil
	}
	return s.ports.Ledger.Enter(ctx, b.ID, days(b, images))
}

// RemoveImage removes an image with its picture, also if it is changed concurrently (renamed, rotated, annotated). An image that
// is gone is not an error.
func (s *Batches) RemoveImage(ctx context.Context, m *Image) error {
	for {
		err := s.ports.Repository.RemoveImage(ctx, m)
		if errs.Is(err, errs.Conflict) && ctx.Err() == nil {
			var now *Image
			if now, err = s.ports.Repository.Image(ctx, m.Batch, m.N); err == nil {
				m = now
				continue
			}
		}
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		return s.ports.Pictures.DropPicture(ctx, m.Batch, m.Picture.Key)
	}
}
