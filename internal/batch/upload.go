package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Upload is a file on its way into a draft: a picture, a document of several pages, or an archive of such files.
type Upload struct {
	ID       string    // the sender's own id, 8 to 64 letters, digits, - and _: sending it again changes nothing
	Filename string    // as sent; only ever shown
	Name     string    // of the image; "" takes the file name without its extension
	Position int       // where in the batch, from 1; 0 after the last. Uploads for one place stand as they came
	Folder   string    // as sent, with / or \ between; only ever shown
	Dated    time.Time // of the file, with the sender's offset; zero when nobody said
	Body     io.Reader // the file
}

// Taken is what an upload became.
type Taken struct {
	Images  []*Image // in the order of the file's parts; at least one
	Refused []string // why other parts of the file could not be used, a sentence each for the clerk
}

// AddImages takes a file into a draft: one image for a picture, one for each page of a document and each picture in an
// archive, prepared and durable when it returns. The same Upload.ID again returns the images that are there already,
// without reading Body; after a fault on the way it goes on with the parts that are missing. When no part of the file
// can be used the error is errs.Invalid or errs.TooLarge and names the file.
func (s *Service) AddImages(ctx context.Context, id ID, u Upload) (taken *Taken, err error) {
	over := s.counters.uploading()
	defer func() { over(err) }()
	u.Body = weighed{u.Body, s.counters}
	if err := u.check(s.limits); err != nil {
		return nil, err
	}
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	a := &arrival{Service: s, batch: id, upload: u}
	if err := a.look(ctx); err != nil {
		return nil, err
	}
	switch {
	case a.whole():
		return a.taken(ctx)
	case b.Status != Draft:
		return nil, tooLate(u.Filename)
	case len(a.there) == 0 && a.place() == 0:
		return nil, tooMany(s.limits)
	}
	fault.At(fault.UploadBegun)
	return a.take(ctx)
}

func (u Upload) check(l Limits) error {
	if len(u.ID) < 8 || len(u.ID) > 64 || strings.IndexFunc(u.ID, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) >= 0 {
		return errs.New(errs.Invalid, "The upload's own id must be 8 to 64 letters, digits, hyphens or underscores.")
	}
	if u.Position < 0 || u.Position > l.MaxImages {
		return tooMany(l)
	}
	return nil
}

// arrival is one upload while it is taken in.
type arrival struct {
	*Service
	batch   ID
	upload  Upload
	there   map[int]*Image // what this upload became so far, by part
	last    int            // the last part of it that is there
	used    map[int]bool   // the places that are taken
	refused []error
}

// look reads from the store what the batch holds at the moment.
func (a *arrival) look(ctx context.Context) error {
	images, err := a.ports.Repository.Images(ctx, a.batch)
	if err != nil {
		return err
	}
	a.there, a.used = map[int]*Image{}, make(map[int]bool, len(images))
	for _, m := range images {
		a.used[m.N] = true
		if m.Upload == a.upload.ID {
			a.there[m.part()], a.last = m, max(a.last, m.part())
		}
	}
	if a.upload.Position == 0 {
		a.upload.Position = min(NextPosition(images), a.limits.MaxImages)
	}
	return nil
}

// whole reports whether an earlier try came to its end.
func (a *arrival) whole() bool {
	for _, m := range a.there {
		if m.Whole {
			return true
		}
	}
	return false
}

func (a *arrival) images() []*Image {
	var all []*Image
	for part := 1; part <= a.last; part++ {
		if m := a.there[part]; m != nil {
			all = append(all, m)
		}
	}
	return all
}

// place is a free place, the wanted one if it can be; 0 when the batch is full.
func (a *arrival) place() int {
	for i := range a.limits.MaxImages {
		if n := (a.upload.Position-1+i)%a.limits.MaxImages + 1; !a.used[n] {
			return n
		}
	}
	return 0
}

// take reads the file and keeps its parts one after the other, each as soon as it is prepared.
func (a *arrival) take(ctx context.Context) (*Taken, error) {
	have := func(part int) bool { return a.there[part] != nil }
	for part, err := range a.ports.Intake.Prepare(ctx, BaseName(a.upload.Filename), a.upload.Body, have) {
		if err == nil {
			err = part.Refused
		}
		if err == nil {
			err = a.keep(ctx, part)
		}
		if errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) {
			a.refused = append(a.refused, err)
		} else if err != nil {
			return nil, err
		}
		if err != nil && len(a.there) > 0 && a.place() == 0 {
			break // the batch is full, and said so
		}
		if part.Alone {
			if err != nil {
				return nil, err
			}
			return a.taken(ctx)
		}
	}
	if len(a.there) == 0 {
		return nil, noneOf(a.refused)
	}
	_, err := a.changeImage(ctx, a.batch, a.images()[0].N, func(m *Image) (bool, error) {
		changed := !m.Whole
		m.Whole = true
		return changed, nil
	})
	if err != nil {
		return nil, err
	}
	return a.taken(ctx)
}

// taken is what the upload became, as the draft now shows it.
func (a *arrival) taken(ctx context.Context) (*Taken, error) {
	images, err := a.Images(ctx, a.batch)
	if err != nil {
		return nil, err
	}
	t := &Taken{Images: slices.DeleteFunc(images, func(m *Image) bool { return m.Upload != a.upload.ID })}
	for _, err := range a.refused {
		t.Refused = append(t.Refused, errs.Message(err))
	}
	return t, nil
}

// noneOf is the error for a file of which no part can be used.
func noneOf(refused []error) error {
	const shown = 3
	switch len(refused) {
	case 0:
		return errs.New(errs.Invalid, "There is no picture in this file. Choose another one.")
	case 1:
		return refused[0]
	}
	var text []string
	for _, err := range refused[:min(len(refused), shown)] {
		text = append(text, errs.Message(err))
	}
	if len(refused) > shown {
		text = append(text, fmt.Sprintf("And so on: none of the %d pictures in it can be used.", len(refused)))
	}
	return errs.New(errs.Invalid, "%s", strings.Join(text, " "))
}

// keep makes an image of one part, the picture first.
func (a *arrival) keep(ctx context.Context, part Part) error {
	fault.At(fault.UploadPrepared)
	m := a.image(part)
	if err := a.putPicture(ctx, a.batch, m.Picture.Key, part.Picture); err != nil {
		return err
	}
	fault.At(fault.PictureStored)
	for {
		if m.N = a.place(); m.N == 0 {
			return a.drop(ctx, m, tooMany(a.limits))
		}
		err := a.ports.Repository.CreateImage(ctx, m)
		if err == nil {
			fault.At(fault.ImageCreated)
			if m, err = a.stillDraft(ctx, m); err != nil {
				return err
			}
			fault.At(fault.ImageKept)
			a.counters.count(func(f *Stats) { f.Arrived++ })
			a.there[part.N], a.last, a.used[m.N] = m, max(a.last, part.N), true
			if a.ports.Compass != nil {
				a.looks.add(m)
			}
			return nil
		}
		if !errs.Is(err, errs.Conflict) {
			return err // it may be stored all the same: its picture stays
		}
		if err := a.look(ctx); err != nil {
			return err
		}
		if a.there[part.N] != nil { // the same upload came in twice at once, and the other was faster
			return a.drop(ctx, m, nil)
		}
	}
}

// drop takes back the picture of an image that was not made, because of err.
func (a *arrival) drop(ctx context.Context, m *Image, err error) error {
	if err := a.ports.Pictures.DropPicture(ctx, a.batch, m.Picture.Key); err != nil {
		return err
	}
	return err
}

// image is what a part becomes. The key of its picture is fresh, so that two who bring the same part at once do not write
// over each other.
func (a *arrival) image(part Part) *Image {
	p := part.Picture
	m := &Image{
		Batch: a.batch, Upload: a.upload.ID, Part: part.N, Page: part.Page, Whole: part.Alone, Position: a.upload.Position,
		Filename: BaseName(part.Filename), Status: Pending, Work: 1, Added: time.Now().UTC(),
		Folder: cleanFolder(a.upload.Folder), Dated: a.upload.dated(),
		Picture: Picture{Key: string(NewID()), Source: p.Source},
	}
	m.Picture.show(p)
	m.Picture.Notes = p.Notes
	m.Name = m.DefaultName()
	if name := cleanName(a.upload.Name); name != "" && m.Filename == BaseName(a.upload.Filename) {
		m.Name = name + pageOf(m.Page)
	}
	return m
}

// show takes over what a prepared picture looks like.
func (pic *Picture) show(p *Prepared) {
	digest := sha256.Sum256(p.Data)
	pic.Digest, pic.MIME, pic.Bytes = hex.EncodeToString(digest[:]), p.MIME, len(p.Data)
	pic.Width, pic.Height, pic.Look = p.Width, p.Height, p.Look
}

// stillDraft settles the race with Start: an image that came too late for the frozen order is taken back.
func (s *Service) stillDraft(ctx context.Context, m *Image) (*Image, error) {
	for {
		b, err := s.Batch(ctx, m.Batch)
		if errs.Is(err, errs.NotFound) {
			return nil, errors.Join(err, s.takeBack(ctx, m)) // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		switch {
		case b.Status == Draft:
			return m, nil
		case b.Status == Scheduled:
			return m, nil // it came just before: the order is frozen at the start
		case b.Order == nil:
			// Start is freezing the order; it is done, or somebody finishes it, in a moment.
			if _, err := s.Start(ctx, m.Batch); err != nil {
				return nil, err
			}
		case b.holds(m.N):
			return m, nil
		default:
			if err := s.takeBack(ctx, m); err != nil {
				return nil, err
			}
			return nil, tooLate(m.Filename)
		}
	}
}

// takeBack removes an image with its picture, whoever changes it meanwhile: somebody may name it, turn it, or note
// something on it. One that is gone is no error.
func (s *Service) takeBack(ctx context.Context, m *Image) error {
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

func (b *Batch) holds(n int) bool {
	for _, have := range b.Order {
		if have == n {
			return true
		}
	}
	return false
}

// BaseName is the last part of a file name as sent, from any system, fit to be shown.
func BaseName(filename string) string {
	if i := strings.LastIndexAny(filename, `/\`); i >= 0 {
		filename = filename[i+1:]
	}
	if filename = cleanName(filename); filename == "" {
		return "picture"
	}
	return filename
}

func tooLate(filename string) error {
	return errs.New(errs.Conflict, "“%s” came after the batch was started. Put it into a new batch.", BaseName(filename))
}

func tooMany(l Limits) error {
	return errs.New(errs.Invalid, "A batch holds at most %d images. Put the others into a second batch.", l.MaxImages)
}
