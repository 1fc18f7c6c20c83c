// Package backup exports batches with all their data into one file and imports them again: for backups, and for
// moving a data folder into a cluster. The file is a tar of JSON documents and pictures, so that a person can open
// it without this program. Its last entry holds the checksum of every other, so that a truncated or damaged file is
// never mistaken for a complete one.
package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Format is the format version that this program writes, and the newest that it reads.
const Format = 1

const (
	manifestName = "manifest.json"
	sumsName     = "SHA256SUMS"
	batchesDir   = "batches"
	documentsDir = "documents"
	batchName    = "batch.json"
	imagesDir    = "images"
	picturesDir  = "pictures"
)

// Manifest is the first entry of a file.
type Manifest struct {
	Format  int       `json:"format"`
	Program string    `json:"program"` // version of the program that wrote the file
	Created time.Time `json:"created"`
}

// Source provides the data to export.
type Source interface {
	Batch(ctx context.Context, id batch.ID) (*batch.Batch, error)
	Images(ctx context.Context, id batch.ID) ([]*batch.Image, error)
	GetPicture(ctx context.Context, id batch.ID, key string, kind batch.Kind) ([]byte, error)
	// Batches lists all batches.
	Batches(ctx context.Context) ([]batch.ID, error)
	// Documents calls f with the data that belongs to no batch: templates, statistics, the state of the key pool.
	Documents(ctx context.Context, f func(bucket, key string, data []byte) error) error
}

// Summary counts the data exported or imported.
type Summary struct {
	Batches   int      `json:"Batches"`
	Images    int      `json:"Images"`
	Pictures  int      `json:"Pictures"`
	Documents int      `json:"Documents"`
	Skipped   int      `json:"Skipped"`  // batches that existed already
	Problems  []string `json:"Problems"` // one sentence for each entry that could not be read; the rest is in the file
}

// Write writes the batches ids, or everything if there are none, to w. It may run while batches are processed: each
// is written as it was at one moment.
func Write(ctx context.Context, w io.Writer, src Source, program string, ids ...batch.ID) (*Summary, error) {
	a := &writer{tar: tar.NewWriter(w), src: src, sum: &Summary{}, now: time.Now().UTC()}
	if err := a.json(manifestName, Manifest{Format: Format, Program: program, Created: a.now}); err != nil {
		return nil, err
	}
	all := len(ids) == 0
	if all {
		var err error
		if ids, err = src.Batches(ctx); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if err := a.batch(ctx, id, all); err != nil {
			return nil, err
		}
	}
	if all {
		err := src.Documents(ctx, func(bucket, key string, data []byte) error {
			a.sum.Documents++
			return a.entry(path.Join(documentsDir, bucket, key), data)
		})
		if _, ours := errors.AsType[*errs.Error](err); ours && ctx.Err() == nil {
			a.problem("Some of what belongs to no batch cannot be read: %s", errs.Message(err))
		} else if err != nil {
			return nil, err
		}
	}
	if err := a.plain(sumsName, []byte(a.sums.String())); err != nil {
		return nil, err
	}
	return a.sum, a.tar.Close()
}

type writer struct {
	tar  *tar.Writer
	src  Source
	sums strings.Builder
	sum  *Summary
	now  time.Time
}

// maxReloads bounds how often a batch is loaded again because it changed meanwhile.
const maxReloads = 5

// batch writes one batch. An unreadable part is recorded as a problem and does not abort the export. When
// everything is exported, a batch deleted meanwhile is skipped: without its own document the importer discards its
// other entries.
func (a *writer) batch(ctx context.Context, id batch.ID, all bool) error {
	b, images, err := a.state(ctx, id)
	if errs.Is(err, errs.NotFound) && all {
		return nil
	}
	if err != nil {
		if ctx.Err() != nil || !all {
			return err
		}
		a.problem("Batch %s cannot be read and is not in the file: %s", id, errs.Message(err))
		return nil
	}
	dir := path.Join(batchesDir, string(id))
	for _, m := range images {
		for _, kind := range []batch.Kind{batch.Full, batch.Thumb} {
			data, err := a.src.GetPicture(ctx, id, m.Picture.Key, kind)
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				if _, gone := a.src.Batch(ctx, id); errs.Is(gone, errs.NotFound) {
					return nil
				}
				a.problem("The picture (%s) of image %d of batch “%s” cannot be read: %s", kind, m.N, b.Name, errs.Message(err))
				continue
			}
			a.sum.Pictures++
			if err := a.entry(path.Join(dir, picturesDir, m.Picture.Key+"."+string(kind)), data); err != nil {
				return err
			}
		}
		if err := a.json(path.Join(dir, imagesDir, strconv.Itoa(m.N)+".json"), m); err != nil {
			return err
		}
	}
	a.sum.Batches++
	a.sum.Images += len(images)
	return a.json(path.Join(dir, batchName), b) // last: this entry marks the batch as complete
}

// state loads a batch with its images, all of the same moment.
func (a *writer) state(ctx context.Context, id batch.ID) (*batch.Batch, []*batch.Image, error) {
	for tries := 1; ; tries++ {
		b, err := a.src.Batch(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		images, err := a.src.Images(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		again, err := a.src.Batch(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if again.Rev == b.Rev || tries == maxReloads {
			a.missing(b, images)
			return b, images, nil
		}
	}
}

// missing records images that the order of a batch names and the store lacks.
func (a *writer) missing(b *batch.Batch, images []*batch.Image) {
	for _, n := range b.Order {
		if !slices.ContainsFunc(images, func(m *batch.Image) bool { return m.N == n }) {
			a.problem("Image %d of batch “%s” is missing", n, b.Name)
		}
	}
}

func (a *writer) problem(format string, args ...any) {
	a.sum.Problems = append(a.sum.Problems, strings.TrimRight(fmt.Sprintf(format, args...), ".")+".")
}

func (a *writer) json(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.entry(name, data)
}

func (a *writer) entry(name string, data []byte) error {
	sum := sha256.Sum256(data)
	fmt.Fprintf(&a.sums, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	return a.plain(name, data)
}

func (a *writer) plain(name string, data []byte) error {
	err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: a.now, Format: tar.FormatPAX})
	if err == nil {
		_, err = a.tar.Write(data)
	}
	return err
}

// maxEntry bounds one entry, in bytes; pictures are far smaller.
const maxEntry = 1 << 30

// Verify reads a whole file and returns its manifest, or an Invalid error that names the fault.
func Verify(r io.Reader) (*Manifest, error) {
	var m *Manifest
	sums := map[string]string{}
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err != nil {
			return nil, damaged("it ends too early or is not such a file (%v)", err)
		}
		switch {
		case m == nil && h.Name != manifestName:
			return nil, damaged("it does not begin with %s", manifestName)
		case h.Name == sumsName:
			return m, checkSums(t, h.Size, sums)
		case h.Size > maxEntry:
			return nil, damaged("%s is larger than anything that is kept", h.Name)
		case sums[h.Name] != "":
			return nil, damaged("%s is in it twice", h.Name)
		}
		sum, head := sha256.New(), io.Discard
		var first strings.Builder
		if m == nil {
			head = &first
		}
		if _, err := io.Copy(io.MultiWriter(sum, head), t); err != nil {
			return nil, damaged("%s cannot be read (%v)", h.Name, err)
		}
		sums[h.Name] = sumOf(sum)
		if m == nil {
			m = &Manifest{}
			if err := json.Unmarshal([]byte(first.String()), m); err != nil || m.Format < 1 {
				return nil, damaged("%s cannot be read", manifestName)
			}
			if m.Format > Format {
				return nil, errs.New(errs.Invalid, "The file was written by a newer Sheetlift (%s). Use that one, or a newer one.", m.Program)
			}
		}
	}
}

func sumOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func checkSums(r io.Reader, size int64, have map[string]string) error {
	if size > maxEntry {
		return damaged("%s is too large", sumsName)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return damaged("%s cannot be read (%v)", sumsName, err)
	}
	for line := range strings.Lines(string(text)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if have[name] != sum {
			return damaged("%s is not as it was written", name)
		}
		delete(have, name)
	}
	for name := range have {
		return damaged("%s was not written by Sheetlift", name)
	}
	return nil
}

func damaged(format string, args ...any) error {
	return errs.New(errs.Invalid, "The file cannot be used: %s. Take another one.", fmt.Sprintf(format, args...))
}
