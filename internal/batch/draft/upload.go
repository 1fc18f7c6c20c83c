package draft

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
)

// Upload is a file to be added to a draft: a picture, a document of several pages, or an archive of such files.
type Upload struct {
	ID       string    // the client's own id, 8 to 64 letters, digits, - and _: repeating the upload changes nothing
	Filename string    // as sent; only for display
	Name     string    // of the image; "" uses the file name without its extension
	Position int       // position in the batch, from 1; 0 appends. Uploads for the same position stay in upload order
	Folder   string    // as sent, with / or \ between; only for display
	TakenAt  time.Time // file time, with the client's UTC offset; zero if not sent
	Body     io.Reader // the file
}

// Ingested is the result of an upload.
type Ingested struct {
	Images  []*batch.Image // in the order of the parts; at least one
	Refused []string       // the reasons why other parts were rejected, a sentence each for the clerk
}

// AddImages adds a file to a draft: one image for a picture, one for each page of a document and each picture in an archive.
// They are prepared and durable when it returns. The same Upload.ID again with the same file, or with an empty body, returns
// the images that exist already; after an interruption it continues with the missing parts. With another file it is a Conflict.
// If no part of the file can be used, the error is errs.Invalid or errs.TooLarge and names the file.
func (s *Service) AddImages(ctx context.Context, id batch.ID, u Upload) (*Ingested, error) {
	return s.add(ctx, id, u, s.limits.MaxImages)
}

// add is AddImages with positions up to last.
func (s *Service) add(ctx context.Context, id batch.ID, u Upload, last int) (taken *Ingested, err error) {
	over := s.counters.uploading()
	defer func() { over(err) }()
	u.Body = countingReader{u.Body, s.counters}
	if err := u.check(); err != nil {
		return nil, err
	}
	if u.Position < 0 || u.Position > last {
		return nil, tooMany(s.limits)
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	sum := &hashingReader{Reader: u.Body, sum: sha256.New()}
	u.Body = sum
	a := &ingest{Service: s, batch: id, upload: u, sum: sum}
	if err := a.find(ctx); err != nil {
		return nil, err
	}
	switch {
	case a.whole():
		if _, err := io.Copy(io.Discard, sum); err != nil {
			return nil, err
		}
		if err := a.sameFile(); err != nil {
			return nil, err
		}
		return a.result(ctx)
	case b.Status != batch.Draft:
		return nil, tooLate(u.Filename)
	case len(a.existing) == 0 && a.place() == 0:
		return nil, tooMany(s.limits)
	}
	fault.At(fault.UploadBegun)
	return a.run(ctx)
}

func (u Upload) check() error {
	if len(u.ID) < 8 || len(u.ID) > 64 || strings.IndexFunc(u.ID, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) >= 0 {
		return errs.At("path.upload", errs.New(errs.Invalid, "The upload's own id must be 8 to 64 letters, digits, hyphens or underscores."))
	}
	return nil
}

// ingest is the state of one upload while it is being added.
type ingest struct {
	*Service
	batch    batch.ID
	upload   Upload
	sum      *hashingReader
	existing map[int]*batch.Image // the images made from this upload so far, by part
	last     int                  // the highest part number in there
	used     func(n int) bool     // whether the batch had an image n when its images were found
	taken    map[int]bool         // the N used since, by this upload
	view     batch.DraftView      // nil: all images of the batch were loaded
	refused  []error
}

// find finds the images of this upload in the index, or loads all images of the batch.
func (a *ingest) find(ctx context.Context) error {
	if a.ports.Index == nil {
		return a.load(ctx)
	}
	view, err := a.ports.Index.Draft(ctx, a.batch)
	if err != nil {
		return a.load(ctx)
	}
	a.view, a.used = view, view.Used
	a.have(view.Upload(a.upload.ID))
	a.append(view.NextPosition())
	return nil
}

// load loads the current images of the batch from the store.
func (a *ingest) load(ctx context.Context) error {
	images, err := a.ports.Repository.Images(ctx, a.batch)
	if err != nil {
		return err
	}
	used := make(map[int]bool, len(images))
	for _, m := range images {
		used[m.N] = true
	}
	a.view, a.used = nil, func(n int) bool { return used[n] }
	a.append(batch.NextPosition(images))
	a.have(slices.DeleteFunc(images, func(m *batch.Image) bool { return m.Upload != a.upload.ID }))
	return nil
}

// have sets the images that were made from this upload so far.
func (a *ingest) have(images []*batch.Image) {
	a.existing, a.taken = map[int]*batch.Image{}, map[int]bool{}
	for _, m := range images {
		a.existing[m.PartNumber()], a.last = m, max(a.last, m.PartNumber())
	}
}

// append places an upload without a position.
func (a *ingest) append(next int) {
	if a.upload.Position == 0 {
		a.upload.Position = next
	}
}

// whole reports whether an earlier attempt completed this upload.
func (a *ingest) whole() bool {
	for _, m := range a.existing {
		if m.UploadComplete {
			return true
		}
	}
	return false
}

// sameFile returns a Conflict when this file differs from the complete one that was uploaded under the same id.
func (a *ingest) sameFile() error {
	for _, m := range a.existing {
		if sent := a.sum.hex(); m.UploadComplete && sent != "" && m.Sent != "" && m.Sent != sent {
			return errs.New(errs.Conflict, "The upload %s was used for another file, “%s”. Send “%s” with an id of its own.",
				a.upload.ID, m.Filename, batch.BaseName(a.upload.Filename))
		}
	}
	return nil
}

// hashingReader is a reader that hashes the data read.
type hashingReader struct {
	io.Reader
	sum hash.Hash
	any bool
}

// Read implements io.Reader.
func (s *hashingReader) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.sum.Write(p[:n])
	s.any = s.any || n > 0
	return n, err
}

// hex returns the digest; "" if no data was read.
func (s *hashingReader) hex() string {
	if !s.any {
		return ""
	}
	return hex.EncodeToString(s.sum.Sum(nil))
}

func (a *ingest) images() []*batch.Image {
	var all []*batch.Image
	for part := 1; part <= a.last; part++ {
		if m := a.existing[part]; m != nil {
			all = append(all, m)
		}
	}
	return all
}

// place returns a free N, the requested position if possible; 0 when the batch is full.
func (a *ingest) place() int {
	for i := range a.limits.MaxImages {
		if n := (a.upload.Position-1+i)%a.limits.MaxImages + 1; !a.used(n) && !a.taken[n] {
			return n
		}
	}
	return 0
}

// run reads the file and stores its parts one after the other, each as soon as it is prepared.
func (a *ingest) run(ctx context.Context) (*Ingested, error) {
	have := func(part int) bool { return a.existing[part] != nil }
	for part, err := range a.ports.Intake.Prepare(ctx, batch.BaseName(a.upload.Filename), a.upload.Body, have) {
		if err == nil {
			err = part.Refused
		}
		if err == nil {
			err = a.store(ctx, part)
		}
		if errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) {
			a.refused = append(a.refused, err)
		} else if err != nil {
			return nil, err
		}
		if err != nil && len(a.existing) > 0 && a.place() == 0 {
			break // the batch is full, and the refusal was recorded
		}
		if part.Single {
			if err != nil {
				return nil, err
			}
			return a.result(ctx)
		}
	}
	if len(a.existing) == 0 {
		return nil, noUsablePart(a.refused)
	}
	_, err := a.batches.UpdateImage(ctx, a.batch, a.images()[0].N, func(m *batch.Image) (bool, error) {
		changed := !m.UploadComplete
		m.UploadComplete, m.Sent = true, a.sum.hex()
		return changed, nil
	})
	if err != nil {
		return nil, err
	}
	return a.result(ctx)
}

// result returns the images of the upload, as the draft now shows them.
func (a *ingest) result(ctx context.Context) (*Ingested, error) {
	if m := a.existing[a.last]; a.view != nil && len(a.existing) == 1 && !m.Excluded && a.view.Alone(m) {
		return a.ingested([]*batch.Image{m}), nil
	}
	images, err := a.batches.Images(ctx, a.batch)
	if err != nil {
		return nil, err
	}
	return a.ingested(slices.DeleteFunc(images, func(m *batch.Image) bool { return m.Upload != a.upload.ID })), nil
}

func (a *ingest) ingested(images []*batch.Image) *Ingested {
	t := &Ingested{Images: images}
	for _, err := range a.refused {
		t.Refused = append(t.Refused, errs.Message(err))
	}
	return t
}

// noUsablePart returns the error for a file without any usable part.
func noUsablePart(refused []error) error {
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

// store creates the image of one part. The picture is written first.
func (a *ingest) store(ctx context.Context, part batch.Part) error {
	fault.At(fault.UploadPrepared)
	m := a.newImage(part)
	if err := a.putPicture(ctx, a.batch, m.Picture.Key, part.Picture); err != nil {
		return err
	}
	fault.At(fault.PictureStored)
	for {
		if m.N = a.place(); m.N == 0 {
			return a.discard(ctx, m, tooMany(a.limits))
		}
		err := a.ports.Repository.CreateImage(ctx, m)
		if err == nil {
			fault.At(fault.ImageCreated)
			if m, err = a.stillDraft(ctx, m); err != nil {
				return err
			}
			fault.At(fault.ImageKept)
			a.counters.count(func(f *Stats) { f.Arrived++ })
			a.existing[part.N], a.last, a.taken[m.N] = m, max(a.last, part.N), true
			if a.ports.Orientation != nil {
				a.orientation.add(m)
			}
			return nil
		}
		if !errs.Is(err, errs.Conflict) {
			return err // the image may be stored nevertheless, so its picture stays
		}
		if err := a.load(ctx); err != nil {
			return err
		}
		if a.existing[part.N] != nil { // the same upload is running twice, and the other one was faster
			return a.discard(ctx, m, nil)
		}
	}
}

// discard removes the picture of an image that was not created because of err, and returns err.
func (a *ingest) discard(ctx context.Context, m *batch.Image, err error) error {
	if err := a.ports.Pictures.DropPicture(ctx, a.batch, m.Picture.Key); err != nil {
		return err
	}
	return err
}

// newImage returns the new image of a part. The key of its picture is unique, so that two concurrent uploads of the same part do
// not overwrite each other.
func (a *ingest) newImage(part batch.Part) *batch.Image {
	p := part.Picture
	m := &batch.Image{
		Batch: a.batch, Upload: a.upload.ID, Sent: a.sum.hex(), Part: part.N, Page: part.Page, UploadComplete: part.Single, Position: a.upload.Position,
		Filename: batch.BaseName(part.Filename), Status: batch.Pending, Generation: 1, Added: time.Now().UTC(),
		Folder: cleanFolder(a.upload.Folder), TakenAt: a.upload.takenAt(),
		Picture: batch.Picture{Key: string(batch.NewID()), Source: p.Source},
	}
	m.Picture.Describe(p)
	m.Picture.Notes = p.Notes
	m.Name = m.DefaultName()
	if name := batch.CleanName(a.upload.Name); name != "" && m.Filename == batch.BaseName(a.upload.Filename) {
		m.Name = name + batch.PageSuffix(m.Page)
	}
	return m
}

// stillDraft resolves the race with Start: an image that is not in the frozen order is removed again.
func (s *Service) stillDraft(ctx context.Context, m *batch.Image) (*batch.Image, error) {
	for {
		b, err := s.batches.Batch(ctx, m.Batch)
		if errs.Is(err, errs.NotFound) {
			return nil, errors.Join(err, s.batches.RemoveImage(ctx, m)) // deleted concurrently
		}
		if err != nil {
			return nil, err
		}
		switch {
		case b.Status == batch.Draft:
			return m, nil
		case b.Status == batch.Scheduled:
			return m, nil // scheduled just now: the order is frozen at the start
		case b.Order == nil:
			// Start is freezing the order. It is finished by this call or by another process.
			if _, err := s.run.Start(ctx, m.Batch); err != nil {
				return nil, err
			}
		case b.Holds(m.N):
			return m, nil
		default:
			if err := s.batches.RemoveImage(ctx, m); err != nil {
				return nil, err
			}
			return nil, tooLate(m.Filename)
		}
	}
}

func tooLate(filename string) error {
	return errs.New(errs.Conflict, "“%s” came after the batch was started. Put it into a new batch.", batch.BaseName(filename))
}

func tooMany(l Limits) error {
	return errs.New(errs.Invalid, "A batch holds at most %d images. Put the others into a second batch.", l.MaxImages)
}
