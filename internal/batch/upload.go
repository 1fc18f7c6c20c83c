package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"sheetlift/internal/errs"
)

// Upload is a picture on its way into a draft.
type Upload struct {
	ID       string    // the sender's own id, 8 to 64 letters, digits, - and _: sending it again changes nothing
	Filename string    // as sent; only ever shown
	Name     string    // "" takes the file name without its extension
	Position int       // where in the batch, from 1; 0 after the last. A taken place means the next free one
	Folder   string    // as sent, with / or \ between; only ever shown
	Dated    time.Time // of the file, with the sender's offset; zero when nobody said
	Body     io.Reader // the file
}

// AddImage takes a picture into a draft: prepared and durable when it returns. The same Upload.ID again returns the
// image that is there already, without reading Body. Refusals are errs.Invalid or errs.TooLarge, by file name.
func (s *Service) AddImage(ctx context.Context, id ID, u Upload) (*Image, error) {
	if err := u.check(s.limits); err != nil {
		return nil, err
	}
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	n, there, err := s.place(ctx, id, u, max(u.Position, 1))
	if err != nil {
		return nil, err
	}
	if there != nil {
		return there, nil
	}
	if b.Status != Draft {
		return nil, tooLate(u.Filename)
	}
	p, err := s.ports.Intake.Prepare(ctx, BaseName(u.Filename), u.Body)
	if err != nil {
		return nil, err
	}
	m := u.image(b.ID, p)
	for kind, data := range map[Kind][]byte{Full: p.Data, Thumb: p.Thumb} {
		if err := s.ports.Pictures.PutPicture(ctx, id, m.Picture.Key, kind, data); err != nil {
			return nil, err
		}
	}
	for {
		m.N = n
		err := s.ports.Repository.CreateImage(ctx, m)
		if err == nil {
			return s.stillDraft(ctx, m)
		}
		if !errs.Is(err, errs.Conflict) {
			return nil, err
		}
		if n, there, err = s.place(ctx, id, u, n); err != nil || there != nil {
			return there, err
		}
	}
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

// place finds the place for u from n on: a free one, or the image that this very upload became before.
func (s *Service) place(ctx context.Context, id ID, u Upload, n int) (int, *Image, error) {
	for ; n <= s.limits.MaxImages; n++ {
		m, err := s.ports.Repository.Image(ctx, id, n)
		if errs.Is(err, errs.NotFound) {
			return n, nil, nil
		}
		if err != nil {
			return 0, nil, err
		}
		if m.Upload == u.ID {
			return n, m, nil
		}
	}
	return 0, nil, tooMany(s.limits)
}

// stillDraft settles the race with Start: an image that came too late for the frozen order is taken back.
func (s *Service) stillDraft(ctx context.Context, m *Image) (*Image, error) {
	for {
		b, err := s.Batch(ctx, m.Batch)
		if err != nil {
			return nil, err
		}
		switch {
		case b.Status == Draft:
			return m, nil
		case b.Order == nil:
			// Start is freezing the order; it is done, or somebody finishes it, in a moment.
			if _, err := s.Start(ctx, m.Batch); err != nil {
				return nil, err
			}
		case b.holds(m.N):
			return m, nil
		default:
			if err := s.ports.Repository.RemoveImage(ctx, m); err != nil {
				return nil, err
			}
			if err := s.ports.Pictures.DropPicture(ctx, m.Batch, m.Picture.Key); err != nil {
				return nil, err
			}
			return nil, tooLate(m.Filename)
		}
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

func (u Upload) image(id ID, p *Prepared) *Image {
	filename := BaseName(u.Filename)
	name := cleanName(u.Name)
	if name == "" {
		name = nameOf(filename)
	}
	digest := sha256.Sum256(p.Data)
	return &Image{
		Batch: id, Upload: u.ID, Name: name, Filename: filename, Status: Pending, Work: 1, Added: time.Now().UTC(),
		Folder: cleanFolder(u.Folder), Dated: u.dated(),
		Picture: Picture{
			Key: u.ID, Digest: hex.EncodeToString(digest[:]), Source: p.Source, MIME: p.MIME,
			Width: p.Width, Height: p.Height, Bytes: len(p.Data), Notes: p.Notes,
		},
	}
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

// nameOf is the default name of an image: its file name without the extension.
func nameOf(filename string) string {
	if i := strings.LastIndexByte(filename, '.'); i > 0 {
		return filename[:i]
	}
	return filename
}

func tooLate(filename string) error {
	return errs.New(errs.Conflict, "“%s” came after the batch was started. Put it into a new batch.", BaseName(filename))
}

func tooMany(l Limits) error {
	return errs.New(errs.Invalid, "A batch holds at most %d images. Put the others into a second batch.", l.MaxImages)
}
