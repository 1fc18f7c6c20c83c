package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// maxDoc is the maximum size of an image document in bytes: an external server accepts 1 MB.
const maxDoc = 512 << 10

// imageDoc is the stored form of an image. The rows of a large image are offloaded to an object that the document
// names. The object is written first, so that the swap of the document remains the single moment of change.
type imageDoc struct {
	*batch.Image
	Offloaded string `json:"aside,omitempty"` // digest of the object
}

// reading is the part of an image that may be offloaded.
type reading struct {
	Columns []string      `json:"columns,omitempty"`
	Rows    []table.Row   `json:"rows,omitempty"`
	Issues  []table.Issue `json:"issues,omitempty"`
	Text    string        `json:"text,omitempty"`
	Edits   []batch.Edit  `json:"edits,omitempty"`
}

// CreateImage implements batch.Repository; Full when the disk is nearly full.
func (s *Store) CreateImage(ctx context.Context, m *batch.Image) error {
	if err := s.room(0); err != nil {
		return err
	}
	return s.writeImage(ctx, m, 0)
}

// SaveImage implements batch.Repository.
func (s *Store) SaveImage(ctx context.Context, m *batch.Image) error {
	if m.Rev == 0 {
		return errUnsaved
	}
	return s.writeImage(ctx, m, m.Rev)
}

func (s *Store) writeImage(ctx context.Context, m *batch.Image, prev uint64) error {
	key, err := imageKey(m.Batch, m.N)
	if err != nil {
		return err
	}
	data, err := json.Marshal(m)
	if err != nil {
		return s.fail(ctx, err)
	}
	var offloaded blobPlace
	if len(data) > maxDoc {
		if data, offloaded, err = s.offload(ctx, m); err != nil {
			return s.fail(ctx, err)
		}
	}
	rev, err := s.images.put(ctx, key, data, prev)
	if err != nil {
		return s.fail(ctx, err)
	}
	m.Rev = rev
	s.images.noteWritten(rev)
	if offloaded.subject != "" { // the previous object is not referenced any more; otherwise the next save or the removal deletes it
		if err := s.purgeBefore(ctx, rowsSubject(m.Batch, m.N, ">"), offloaded.first); err != nil {
			s.log.Warn("store: old rows stay", "image", key, "err", err)
		}
	}
	return nil
}

// offload stores the rows of m as an object and returns the document without them.
func (s *Store) offload(ctx context.Context, m *batch.Image) ([]byte, blobPlace, error) {
	body, err := json.Marshal(reading{m.Columns, m.Rows, m.Issues, m.Text, m.Edits})
	if err != nil {
		return nil, blobPlace{}, err
	}
	if err := s.room(len(body)); err != nil {
		return nil, blobPlace{}, err
	}
	digest := sha256.Sum256(body)
	name := hex.EncodeToString(digest[:16])
	place, err := s.putBlob(ctx, rowsSubject(m.Batch, m.N, name), body)
	if err != nil {
		return nil, blobPlace{}, err
	}
	rest := *m
	rest.Columns, rest.Rows, rest.Issues, rest.Text, rest.Edits = nil, nil, nil, "", nil
	data, err := json.Marshal(imageDoc{&rest, name})
	if err == nil && len(data) > maxDoc {
		err = errs.New(errs.TooLarge, "What is known about image %d is too large to be stored.", m.N)
	}
	return data, place, err
}

// Image implements batch.Repository.
func (s *Store) Image(ctx context.Context, id batch.ID, n int) (*batch.Image, error) {
	key, err := imageKey(id, n)
	if err != nil {
		return nil, err
	}
	for range 3 { // an object may be replaced between the two reads
		d, getErr := s.images.get(ctx, key)
		if getErr != nil {
			return nil, s.fail(ctx, getErr)
		}
		var m *batch.Image
		if m, err = s.decodeImage(ctx, d); !errors.Is(err, errReplaced) {
			return m, s.fail(ctx, err)
		}
	}
	return nil, s.fail(ctx, err)
}

// Images implements batch.Repository.
func (s *Store) Images(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	docs, err := s.images.load(ctx, string(id)+".*")
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	images := make([]*batch.Image, 0, len(docs))
	for _, d := range docs {
		m, err := s.decodeImage(ctx, d)
		if errors.Is(err, errReplaced) {
			if m, err = s.Image(ctx, id, numberOf(d.key)); errs.Is(err, errs.NotFound) {
				continue // removed meanwhile
			}
		}
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		images = append(images, m)
	}
	slices.SortFunc(images, func(a, b *batch.Image) int { return cmp.Compare(a.N, b.N) })
	return images, nil
}

// RemoveImage implements batch.Repository.
func (s *Store) RemoveImage(ctx context.Context, m *batch.Image) error {
	key, err := imageKey(m.Batch, m.N)
	if err != nil {
		return err
	}
	if m.Rev == 0 {
		return errUnsaved
	}
	return s.fail(ctx, s.images.remove(ctx, key, m.Rev))
}

func (s *Store) dropImages(ctx context.Context, id batch.ID) error {
	if err := s.images.purge(ctx, string(id)+".*"); err != nil {
		return err
	}
	if err := s.purgeBefore(ctx, "rows."+string(id)+".>", 0); err != nil {
		return err
	}
	return s.Readings().PurgeReadings(ctx, id) // after the images: see attempt.cache in package worker
}

// errReplaced means that the object of a document is gone: a newer document has replaced the document.
var errReplaced = fmt.Errorf("%w: its rows are missing", errDamaged)

func (s *Store) decodeImage(ctx context.Context, d doc) (*batch.Image, error) {
	stored := imageDoc{Image: new(batch.Image)}
	if err := json.Unmarshal(d.data, &stored); err != nil {
		return nil, fmt.Errorf("%w: image %s: %w", errDamaged, d.key, err)
	}
	m := stored.Image
	m.Rev = d.rev
	if stored.Offloaded == "" {
		return m, nil
	}
	body, err := s.getBlob(ctx, rowsSubject(m.Batch, m.N, stored.Offloaded))
	if missing(err) {
		return nil, fmt.Errorf("%w: image %s", errReplaced, d.key)
	}
	if err != nil {
		return nil, err
	}
	var r reading
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("%w: rows of image %s: %w", errDamaged, d.key, err)
	}
	m.Columns, m.Rows, m.Issues, m.Text, m.Edits = r.Columns, r.Rows, r.Issues, r.Text, r.Edits
	return m, nil
}

func imageKey(id batch.ID, n int) (string, error) {
	if err := checkID(id); err != nil {
		return "", err
	}
	if n < 1 {
		return "", errs.New(errs.NotFound, "There is no image %d.", n)
	}
	return string(id) + "." + strconv.Itoa(n), nil
}

// numberOf returns N of a key made by imageKey, 0 for any other.
func numberOf(key string) int {
	_, n, _ := strings.Cut(key, ".")
	i, _ := strconv.Atoi(n)
	return i
}

func rowsSubject(id batch.ID, n int, name string) string {
	return fmt.Sprintf("rows.%s.%d.%s", id, n, name)
}
