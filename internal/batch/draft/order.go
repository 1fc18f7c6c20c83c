package draft

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Sorting is an order that can be applied to a whole draft at once.
type Sorting string

// The sortings.
const (
	SortSent Sorting = "sent" // in upload order
	SortName Sorting = "name" // by name, in natural order: 9 before 10
	SortFile Sorting = "file" // by folder and file name, in natural order
	SortDate Sorting = "date" // by file time; files without one last
)

// Sort brings a draft into an order. It replaces any order that people arranged.
func (s *Service) Sort(ctx context.Context, id batch.ID, by Sorting) error {
	var less func(a, b *batch.Image) int
	switch by {
	case SortSent:
	case SortName:
		less = func(a, b *batch.Image) int { return compareNatural(a.Name, b.Name) }
	case SortFile:
		less = func(a, b *batch.Image) int {
			return cmp.Or(compareNatural(a.Folder, b.Folder), compareNatural(a.Filename, b.Filename), cmp.Compare(a.Page, b.Page))
		}
	case SortDate:
		less = func(a, b *batch.Image) int {
			if a.TakenAt.IsZero() != b.TakenAt.IsZero() {
				return -a.TakenAt.Compare(b.TakenAt)
			}
			return cmp.Or(a.TakenAt.Compare(b.TakenAt), cmp.Compare(a.Page, b.Page))
		}
	default:
		return errs.New(errs.Invalid, "Pictures cannot be ordered by %q; choose name, file, date or sent.", string(by))
	}
	return s.rearrange(ctx, id, func(b *batch.Batch, all []*batch.Image) error {
		if b.Arranged = nil; less == nil {
			return nil
		}
		slices.SortStableFunc(all, less)
		b.Arranged = batch.Numbers(all)
		return nil
	})
}

// Move puts image n of a draft in front of image before; 0 moves it to the end.
func (s *Service) Move(ctx context.Context, id batch.ID, n, before int) error {
	return s.rearrange(ctx, id, func(b *batch.Batch, all []*batch.Image) error {
		order := batch.Numbers(all)
		from := slices.Index(order, n)
		if from < 0 {
			return batch.NotFound()
		}
		if n == before {
			return nil
		}
		order = slices.Delete(order, from, from+1)
		to := slices.Index(order, before)
		if to < 0 {
			to = len(order)
		}
		b.Arranged = slices.Insert(order, to, n)
		return nil
	})
}

// rearrange changes the order of a draft. f gets its images in their current order, with the excluded images after them.
func (s *Service) rearrange(ctx context.Context, id batch.ID, f func(*batch.Batch, []*batch.Image) error) error {
	_, err := s.batches.Update(ctx, id, func(b *batch.Batch) (bool, error) {
		if b.Status != batch.Draft {
			return false, errs.New(errs.Conflict, "This batch was started already; its order can no longer be changed.")
		}
		stored, err := s.ports.Repository.Images(ctx, id)
		if err != nil {
			return false, err
		}
		images, out := b.Arrange(stored)
		return true, f(b, append(images, out...))
	})
	return err
}

// Exclude excludes images of a draft from being read (out true), or includes them again. Start removes excluded images.
func (s *Service) Exclude(ctx context.Context, id batch.ID, out bool, ns ...int) error {
	for _, n := range ns {
		if _, err := s.draftImage(ctx, id, n); err != nil {
			return err
		}
		if _, err := s.batches.UpdateImage(ctx, id, n, func(m *batch.Image) (bool, error) {
			changed := m.Excluded != out
			m.Excluded = out
			return changed, nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// compareNatural compares names in natural order: it ignores case and compares runs of digits by their value.
func compareNatural(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	for len(x) > 0 && len(y) > 0 {
		if isDigit(x[0]) && isDigit(y[0]) {
			n, m := digits(x), digits(y)
			p, q := strings.TrimLeft(string(x[:n]), "0"), strings.TrimLeft(string(y[:m]), "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), strings.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[n:], y[m:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func digits(s []rune) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// lastPart returns the last element of a folder path.
func lastPart(folder string) string {
	return strings.TrimFunc(folder[strings.LastIndexByte(folder, '/')+1:], unicode.IsSpace)
}
