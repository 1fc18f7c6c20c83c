package batch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Ports is what the use cases need of the world.
type Ports struct {
	Repository Repository
	Queue      Queue
	Pictures   Pictures
	Intake     Intake
	Readers    Readers
	Templates  Templates // nil: columns cannot be saved
	Sampler    Sampler   // nil: nothing can be read before a start
	Ledger     Ledger    // nil: no figures outlive their batch
	Compass    Compass   // nil: nobody notices what stands upside down
	Readings   Readings  // nil: nothing that was read is used again
	Copies     *Copies   // nil: what pages show of many images is loaded each time
}

// Limits bound what one batch may hold.
type Limits struct {
	MaxImages int           // images a batch may hold: 1 to 5,000
	Keep      time.Duration // from a batch's end until it is erased, unless it says otherwise; 0 is DefaultKeep, below 0 for ever
}

// Service is the use cases: what a person may do with batches. Every door (page, API, command line) enters here. All
// methods are safe for concurrent use, by several processes too.
type Service struct {
	ports    Ports
	limits   Limits
	looks    looks
	counters *counters
}

// NewService returns the use cases over the given ports.
func NewService(ports Ports, limits Limits) *Service {
	limits.Keep = cmp.Or(limits.Keep, DefaultKeep)
	return &Service{ports: ports, limits: limits, looks: looks{stir: make(chan struct{}, 1)}, counters: newCounters()}
}

// MaxImages is how many images a batch may hold.
func (s *Service) MaxImages() int { return s.limits.MaxImages }

// NewBatch is what a draft may begin with; everything has a default.
type NewBatch struct {
	Name    string       // default: "Batch of" and the time
	Table   *table.Table // default: the preset "inventory"
	Engine  string       // default: whichever is ready at Start
	Options *Options     // default: DefaultOptions

	ID       ID       // default: a new one. A batch that has it already is a Conflict
	Priority Priority // default: Normal
}

// Create stores a new draft.
func (s *Service) Create(ctx context.Context, n NewBatch) (*Batch, error) {
	now := time.Now().UTC()
	b := &Batch{ID: cmp.Or(n.ID, NewID()), Status: Draft, Engine: n.Engine, Priority: n.Priority, Options: DefaultOptions(), Created: now}
	b.Name = cleanName(n.Name)
	if b.Name == "" {
		b.Name = "Batch of " + now.Local().Format("2 January 2006, 15:04")
	}
	if n.Options != nil {
		b.Options = *n.Options
	}
	if n.Table != nil {
		b.Table = *n.Table
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

// check validates what people may set on a draft.
func (s *Service) check(b *Batch) error {
	if err := s.checkOptions(b.Options); err != nil {
		return err
	}
	if err := cmp.Or(b.Priority, Normal).check(); err != nil {
		return err
	}
	if b.Engine != "" {
		if _, _, err := s.ports.Readers.Choose(b.Engine); err != nil {
			return err
		}
	}
	return b.Table.Validate()
}

func (s *Service) checkOptions(o Options) error {
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
	return checkKeep(o.Keep)
}

// RenameBatch gives a batch another name, at any time.
func (s *Service) RenameBatch(ctx context.Context, id ID, name string) (*Batch, error) {
	name = cleanName(name)
	if name == "" {
		return nil, errs.New(errs.Invalid, "A batch needs a name; type at least one character.")
	}
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		changed := b.Name != name
		b.Name = name
		return changed, nil
	})
}

// SetTable chooses the columns of a draft.
func (s *Service) SetTable(ctx context.Context, id ID, t table.Table) (*Batch, error) {
	return s.changeDraft(ctx, id, func(b *Batch) { b.Table = t })
}

// SetOptions steers how a draft will be read; engine "" leaves the choice to Start.
func (s *Service) SetOptions(ctx context.Context, id ID, o Options, engine string) (*Batch, error) {
	return s.changeDraft(ctx, id, func(b *Batch) { b.Options, b.Engine = o, engine })
}

func (s *Service) changeDraft(ctx context.Context, id ID, f func(*Batch)) (*Batch, error) {
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Draft {
			return false, errs.New(errs.Conflict,
				"This batch was started already; its columns and settings can no longer be changed.")
		}
		f(b)
		return true, s.check(b)
	})
}

// change applies f to the stored batch until the swap succeeds; f sees a fresh copy each time and returns false to
// leave it as it is.
func (s *Service) change(ctx context.Context, id ID, f func(*Batch) (bool, error)) (*Batch, error) {
	return s.changeHidden(ctx, id, func(b *Batch) (bool, error) {
		if !b.Deleted.IsZero() {
			return false, notFound()
		}
		return f(b)
	})
}

// changeHidden is change for a batch that may be deleted.
func (s *Service) changeHidden(ctx context.Context, id ID, f func(*Batch) (bool, error)) (*Batch, error) {
	for {
		b, err := s.hidden(ctx, id)
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

// changeImage is change for one image; f returns false to leave it as it is.
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

// RenameImage names one image, before or after Start.
func (s *Service) RenameImage(ctx context.Context, id ID, n int, name string) (*Image, error) {
	if _, err := s.Batch(ctx, id); err != nil {
		return nil, err
	}
	return s.changeImage(ctx, id, n, func(m *Image) (bool, error) {
		name := cleanName(name)
		if name == "" {
			name = m.DefaultName()
		}
		changed := name != m.Name
		m.Name = name
		return changed, nil
	})
}

// RemoveImage takes an image out of a draft, with its picture. Removing it again is not an error.
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
	return s.takeBack(ctx, m)
}

// Batch returns a batch as stored; NotFound for one that was deleted or never was, and a
// malformed id.
func (s *Service) Batch(ctx context.Context, id ID) (*Batch, error) {
	b, err := s.hidden(ctx, id)
	if err == nil && !b.Deleted.IsZero() {
		return nil, notFound()
	}
	return b, err
}

// hidden is Batch for one that may be deleted and not yet erased.
func (s *Service) hidden(ctx context.Context, id ID) (*Batch, error) {
	if !id.Valid() {
		return nil, notFound()
	}
	return s.ports.Repository.Batch(ctx, id)
}

// Images returns the images of a batch in its order. Once the batch is started, an image that is missing makes it
// Unavailable rather than a shorter list, and an image that came too late is left out. Before that, each carries a note
// on the one before it that it resembles. What images refer to (rows, tries, columns) may be shared: read only.
func (s *Service) Images(ctx context.Context, id ID) ([]*Image, error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, b)
}

// shown is Images of a batch that the caller has.
func (s *Service) shown(ctx context.Context, b *Batch) ([]*Image, error) {
	stored, err := s.ports.Copies.stored(ctx, s.ports.Repository, b.ID)
	if err != nil {
		return nil, err
	}
	images, err := b.inOrder(stored)
	if b.Status == Draft {
		resembling(images)
	}
	return images, err
}

// imagesOf is Images as stored, each wholly the caller's.
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

// Image returns one image; NotFound if the batch or the image is not there.
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
	return errs.New(errs.NotFound, "There is nothing here: the batch was deleted, or the address is wrong.")
}

// cleanName makes a name fit to be shown and stored: valid text without control characters, at most 200 runes.
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
	name = strings.TrimSpace(name)
	if runes := []rune(name); len(runes) > 200 {
		name = strings.TrimSpace(string(runes[:200]))
	}
	return name
}
