package batch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/danger"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Ports are the dependencies of the use cases.
type Ports struct {
	Repository   Repository
	Queue        Queue
	Pictures     Pictures
	Intake       Intake
	Readers      Readers
	Templates    Templates           // nil: columns cannot be saved
	Previewer    Previewer           // nil: no previews
	Ledger       Ledger              // nil: figures are lost with their batch
	Orientation  OrientationDetector // nil: orientation is not checked
	ReadingCache ReadingCache        // nil: earlier readings are not used again
	Danger       *danger.Guard       // nil: open pictures are not marked
	ImageCache   ImageSource         // nil: the images of a batch are loaded for each page
}

// Limits are the limits of one batch.
type Limits struct {
	MaxImages int           // images per batch: 1 to 5,000
	Keep      time.Duration // retention after the end, unless the batch sets its own; 0 is DefaultKeep, below 0 for ever
	Witness   Witness       // of new batches; "" is WitnessOff
}

// Service implements the use cases on batches. Every entry point (page, API, command line) calls it. All methods are safe for
// concurrent use, also by several processes.
type Service struct {
	ports       Ports
	limits      Limits
	images      ImageSource
	orientation orientationQueue
	ended       *endCounter
	counters    *counters
}

// NewService returns the use cases over the given ports.
func NewService(ports Ports, limits Limits) *Service {
	limits.Keep = cmp.Or(limits.Keep, DefaultKeep)
	images := ports.ImageCache
	if images == nil {
		images = ports.Repository
	}
	return &Service{ports: ports, images: images, ended: newEndCounter(), limits: limits, orientation: orientationQueue{wake: make(chan struct{}, 1)}, counters: newCounters()}
}

// MaxImages returns how many images a batch may hold.
func (s *Service) MaxImages() int { return s.limits.MaxImages }

// NewBatch is the initial data of a draft; every field has a default.
type NewBatch struct {
	Name    string       // default: "Batch of" and the time
	Table   *table.Table // default: the preset "inventory"
	Engine  string       // default: the one available at Start
	Model   string       // default: the model of the program settings, at Start
	Options *Options     // default: DefaultOptions

	Thinking string // default: the lowest level of the model

	ID       ID       // default: a new one. Conflict if a batch has it already
	Priority Priority // default: Normal
	Asked    string   // digest of the create request, stored with the batch
}

// Create stores a new draft.
func (s *Service) Create(ctx context.Context, n NewBatch) (*Batch, error) {
	now := time.Now().UTC()
	b := &Batch{ID: cmp.Or(n.ID, NewID()), Status: Draft, Engine: n.Engine, Model: n.Model, Thinking: n.Thinking, Priority: n.Priority, Options: DefaultOptions(), Created: now, Asked: n.Asked}
	b.Name = cleanName(n.Name)
	if b.Name == "" {
		b.Name = "Batch of " + now.Local().Format("2 January 2006, 15:04")
	}
	if n.Options != nil {
		b.Options = *n.Options
	}
	b.Options.Witness = cmp.Or(b.Options.Witness, s.limits.Witness)
	if n.Table != nil {
		b.Table = n.Table.Composed()
	} else {
		b.Table, _ = table.Preset("inventory")
	}
	if err := s.check(b); err != nil {
		return nil, err
	}
	if err := s.ports.Repository.CreateBatch(ctx, b); err != nil {
		return nil, err
	}
	return b, nil
}

// check validates the settings of a draft.
func (s *Service) check(b *Batch) error {
	if err := checkOptions(b.Options); err != nil {
		return err
	}
	if err := cmp.Or(b.Priority, Normal).check(); err != nil {
		return err
	}
	if err := checkModel(b.Model, b.Thinking); err != nil {
		return err
	}
	if b.Engine != "" {
		if _, _, err := s.ports.Readers.Choose(b.Engine); err != nil {
			return err
		}
	}
	return b.Table.Validate()
}

func checkOptions(o Options) error {
	switch {
	case o.AtOnce < 1 || o.AtOnce > 64:
		return errs.New(errs.Invalid, "Images at once is %d; choose a number from 1 to 64.", o.AtOnce)
	case o.MaxRetries < 0 || o.MaxRetries > 20:
		return errs.New(errs.Invalid, "The number of retries is %d; choose a number from 0 to 20.", o.MaxRetries)
	case o.RetryDelay < 0 || o.RetryDelay > 10*time.Minute:
		return errs.New(errs.Invalid, "The first retry delay is %s; choose a time from 0 to 10 minutes.", o.RetryDelay)
	}
	if !slices.Contains([]Fallback{"", FallbackOff, FallbackAsk, FallbackAlways}, o.Fallback) {
		return errs.New(errs.Invalid, "What becomes of a picture that cannot be read is %q; choose off, ask or always.", o.Fallback)
	}
	if err := o.Witness.check(); err != nil {
		return err
	}
	return checkKeep(o.Keep)
}

// SetTable sets the columns of a draft.
func (s *Service) SetTable(ctx context.Context, id ID, t table.Table) (*Batch, error) {
	return s.changeDraft(ctx, id, func(b *Batch) error { b.Table = t.Composed(); return nil })
}

// SetDraft sets the columns and reading options of a draft in one compare-and-swap: all, or nothing if one part is invalid.
// Fields that set omits, such as the model, stay unchanged, as does the witness if o has none.
func (s *Service) SetDraft(ctx context.Context, id ID, t table.Table, o Options, engine string, set Settings) (*Batch, error) {
	return s.changeDraft(ctx, id, func(b *Batch) error {
		o.Witness = cmp.Or(o.Witness, b.Options.Witness)
		b.Table, b.Options, b.Engine = t.Composed(), o, engine
		_, err := s.apply(b, set)
		return err
	})
}

// SetOptions sets the reading options of a draft; engine "" leaves the choice to Start. The witness stays if o has none.
func (s *Service) SetOptions(ctx context.Context, id ID, o Options, engine string) (*Batch, error) {
	return s.changeDraft(ctx, id, func(b *Batch) error {
		o.Witness = cmp.Or(o.Witness, b.Options.Witness)
		b.Options, b.Engine = o, engine
		return nil
	})
}

func (s *Service) changeDraft(ctx context.Context, id ID, f func(*Batch) error) (*Batch, error) {
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Draft {
			return false, errs.New(errs.Conflict,
				"This batch was started already; its columns and settings can no longer be changed.")
		}
		if err := f(b); err != nil {
			return false, err
		}
		return true, s.check(b)
	})
}

// change applies f to the stored batch until the compare-and-swap succeeds; f gets a fresh copy each time and returns false if
// nothing is to be saved.
func (s *Service) change(ctx context.Context, id ID, f func(*Batch) (bool, error)) (*Batch, error) {
	return s.changeAny(ctx, id, func(b *Batch) (bool, error) {
		if !b.Deleted.IsZero() {
			return false, notFound()
		}
		return f(b)
	})
}

// changeAny is change for a batch that may be deleted.
func (s *Service) changeAny(ctx context.Context, id ID, f func(*Batch) (bool, error)) (*Batch, error) {
	for {
		b, err := s.getAny(ctx, id)
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

// changeImage is change for one image; f returns false if nothing is to be saved.
func (s *Service) changeImage(ctx context.Context, id ID, n int, f func(*Image) (bool, error)) (*Image, error) {
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

// RemoveImage removes an image from a draft, with its picture. Removing it again is not an error.
func (s *Service) RemoveImage(ctx context.Context, id ID, n int) error {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status != Draft {
		return errs.New(errs.Conflict, "This batch was started already; its images can no longer be removed.")
	}
	m, err := s.ports.Repository.Image(ctx, id, n)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.removeWithPicture(ctx, m)
}

// Batch returns a batch as stored; NotFound if it was deleted, never existed, or the id is malformed.
func (s *Service) Batch(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.getAny(ctx, id)
	if err == nil && !b.Deleted.IsZero() {
		return nil, notFound()
	}
	return b, err
}

// getAny is Batch, including a batch that is deleted and not yet erased.
func (s *Service) getAny(ctx context.Context, id ID) (*Batch, error) {
	if !id.Valid() {
		return nil, notFound()
	}
	return s.ports.Repository.Batch(ctx, id)
}

// Images returns the images of a batch in its order. After the start, a missing image makes the call fail with Unavailable
// rather than return a shorter list, and images uploaded too late are left out. Before the start, each image has a note about
// an earlier one that it resembles. Values that images refer to (rows, attempts, columns) may be shared: read only.
func (s *Service) Images(ctx context.Context, id ID) ([]*Image, error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.list(ctx, b)
}

// list is Images for a batch that the caller has loaded.
func (s *Service) list(ctx context.Context, b *Batch) ([]*Image, error) {
	stored, err := s.images.Images(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	images, err := b.inOrder(stored)
	if b.Status == Draft {
		noteSimilar(images)
	} else {
		Judged(b, images)
	}
	return images, err
}

// imagesOf returns the images as stored; the caller owns them completely.
func (s *Service) imagesOf(ctx context.Context, b *Batch) ([]*Image, error) {
	return inOrder(ctx, s.ports.Repository, b)
}

func inOrder(ctx context.Context, repo Repository, b *Batch) ([]*Image, error) {
	stored, err := repo.Images(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	return b.inOrder(stored)
}

func (b *Batch) inOrder(stored []*Image) ([]*Image, error) {
	if b.Order == nil {
		images, _ := b.arrange(stored)
		return images, nil
	}
	byN := make(map[int]*Image, len(stored))
	for _, m := range stored {
		byN[m.N] = m
	}
	images := make([]*Image, 0, len(b.Order))
	for _, n := range b.Order {
		m, ok := byN[n]
		if !ok {
			return nil, errs.New(errs.Unavailable, "Image %d of this batch cannot be loaded: the data folder is "+
				"damaged. Ask your technician to restore it from a backup.", n)
		}
		images = append(images, m)
	}
	return images, nil
}

// Image returns one image; NotFound if the batch or the image does not exist.
func (s *Service) Image(ctx context.Context, id ID, n int) (*Image, error) {
	if !id.Valid() || n < 1 {
		return nil, notFound()
	}
	return s.ports.Repository.Image(ctx, id, n)
}

// Picture returns the prepared picture of an image, or its thumbnail, and its MIME type.
func (s *Service) Picture(ctx context.Context, id ID, n int, kind Kind) (data []byte, mime string, err error) {
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

func notFound() error {
	return errs.New(errs.NotFound, "There is nothing here: it was deleted, or the address is wrong.")
}

// cleanName makes a name fit for display and storage: valid text without control characters, at most 200 runes.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name, _ = table.Clean(name)
	name = strings.TrimSpace(name)
	if runes := []rune(name); len(runes) > 200 {
		name = strings.TrimSpace(string(runes[:200]))
	}
	return name
}
