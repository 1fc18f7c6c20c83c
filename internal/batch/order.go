package batch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"sheetlift/internal/errs"
)

// LoadImages loads the images of b from repo, in the order of b. The caller owns them completely. After the start, a missing image
// is Unavailable.
func LoadImages(ctx context.Context, repo Repository, b *Batch) ([]*Image, error) {
	stored, err := repo.Images(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	return b.inOrder(stored)
}

func (b *Batch) inOrder(stored []*Image) ([]*Image, error) {
	if b.Order == nil {
		images, _ := b.Arrange(stored)
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

// PartNumber returns the part number within the upload; images stored before parts existed are the first.
func (m *Image) PartNumber() int { return max(m.Part, 1) }

// UploadID identifies an image within its batch as its client knows it: by the upload's own id, and for later parts of a file
// by the part as well.
func (m *Image) UploadID() string {
	if m.Part <= 1 {
		return m.Upload
	}
	return fmt.Sprintf("%s-%d", m.Upload, m.Part)
}

// NextPosition returns the position after all images of a draft.
func NextPosition(images []*Image) int {
	next := 1
	for _, m := range images {
		next = max(next, m.QueuePosition()+1)
	}
	return next
}

// QueuePosition returns the requested position; images stored before the field existed use their N.
func (m *Image) QueuePosition() int { return cmp.Or(m.Position, m.N) }

// SortByPosition sorts the images of a draft by requested position; uploads for the same position stay in upload order, and the parts
// of one upload stay together.
func SortByPosition(images []*Image) {
	first := map[string]int{} // the lowest N of each upload
	for _, m := range images {
		if n, ok := first[m.Upload]; !ok || m.N < n {
			first[m.Upload] = m.N
		}
	}
	slices.SortFunc(images, func(a, b *Image) int {
		return cmp.Or(
			cmp.Compare(a.QueuePosition(), b.QueuePosition()),
			cmp.Compare(first[a.Upload], first[b.Upload]),
			cmp.Compare(a.PartNumber(), b.PartNumber()),
			cmp.Compare(a.N, b.N),
		)
	})
}

// Holds reports whether image n is in the frozen order of b.
func (b *Batch) Holds(n int) bool {
	for _, have := range b.Order {
		if have == n {
			return true
		}
	}
	return false
}

// Arrange sorts the stored images of a draft: first those in Arranged, in that order, then all others in upload order. Excluded
// images are returned separately as out.
func (b *Batch) Arrange(stored []*Image) (images, out []*Image) {
	SortByPosition(stored)
	at := make(map[int]int, len(b.Arranged))
	for i, n := range b.Arranged {
		at[n] = i - len(b.Arranged) // negative, so before all others, which are at 0
	}
	slices.SortStableFunc(stored, func(x, y *Image) int { return cmp.Compare(at[x.N], at[y.N]) })
	for _, m := range stored {
		if m.Excluded {
			out = append(out, m)
		} else {
			images = append(images, m)
		}
	}
	return images, out
}

// Numbers returns the N of images, in their order.
func Numbers(images []*Image) []int {
	ns := make([]int, 0, len(images))
	for _, m := range images {
		ns = append(ns, m.N)
	}
	return ns
}
