package batch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"sheetlift/internal/errs"
)

// Sorting is an order that a draft can be brought into at once.
type Sorting string

// The sortings.
const (
	SortSent Sorting = "sent" // as the files were sent
	SortName Sorting = "name" // by name, as a person counts: 9 before 10
	SortFile Sorting = "file" // by folder and file name, as a person counts
	SortDate Sorting = "date" // by the time of the files; those without one last
)

// arrange brings the stored images of a draft into its order: as people arranged them, what they did not arrange behind
// that as it was sent. Those that were left out come last, and apart.
func (b *Batch) arrange(stored []*Image) (images, out []*Image) {
	inPlace(stored)
	at := make(map[int]int, len(b.Arranged))
	for i, n := range b.Arranged {
		at[n] = i - len(b.Arranged) // below 0, which is where all others are
	}
	slices.SortStableFunc(stored, func(x, y *Image) int { return cmp.Compare(at[x.N], at[y.N]) })
	for _, m := range stored {
		if m.Out {
			out = append(out, m)
		} else {
			images = append(images, m)
		}
	}
	return images, out
}

// Sort brings a draft into an order.
func (s *Service) Sort(ctx context.Context, id ID, by Sorting) error {
	var less func(a, b *Image) int
	switch by {
	case SortSent:
	case SortName:
		less = func(a, b *Image) int { return natural(a.Name, b.Name) }
	case SortFile:
		less = func(a, b *Image) int {
			return cmp.Or(natural(a.Folder, b.Folder), natural(a.Filename, b.Filename), cmp.Compare(a.Page, b.Page))
		}
	case SortDate:
		less = func(a, b *Image) int {
			if a.Dated.IsZero() != b.Dated.IsZero() {
				return -a.Dated.Compare(b.Dated)
			}
			return cmp.Or(a.Dated.Compare(b.Dated), cmp.Compare(a.Page, b.Page))
		}
	default:
		return errs.New(errs.Invalid, "Pictures cannot be ordered by %q; choose name, file, date or sent.", string(by))
	}
	return s.rearrange(ctx, id, func(b *Batch, all []*Image) error {
		if b.Arranged = nil; less == nil {
			return nil
		}
		slices.SortStableFunc(all, less)
		b.Arranged = numbers(all)
		return nil
	})
}

// Move puts image n of a draft in front of the image before; 0 is the end.
func (s *Service) Move(ctx context.Context, id ID, n, before int) error {
	return s.rearrange(ctx, id, func(b *Batch, all []*Image) error {
		order := numbers(all)
		from := slices.Index(order, n)
		if from < 0 {
			return notFound()
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

// rearrange changes the order of a draft; f gets its images in the order they have, and those left out behind them.
func (s *Service) rearrange(ctx context.Context, id ID, f func(*Batch, []*Image) error) error {
	_, err := s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Draft {
			return false, errs.New(errs.Conflict, "This batch was started already; its order can no longer be changed.")
		}
		stored, err := s.ports.Repository.Images(ctx, id)
		if err != nil {
			return false, err
		}
		images, out := b.arrange(stored)
		return true, f(b, append(images, out...))
	})
	return err
}

func numbers(images []*Image) []int {
	ns := make([]int, 0, len(images))
	for _, m := range images {
		ns = append(ns, m.N)
	}
	return ns
}

// LeaveOut keeps images of a draft from being read, or takes them in again. Start removes what is left out by then.
func (s *Service) LeaveOut(ctx context.Context, id ID, out bool, ns ...int) error {
	for _, n := range ns {
		if _, err := s.draftImage(ctx, id, n); err != nil {
			return err
		}
		if _, err := s.changeImage(ctx, id, n, func(m *Image) (bool, error) {
			changed := m.Out != out
			m.Out = out
			return changed, nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// Draft returns the images of a batch in its order, and apart those that were left out while it is a draft.
func (s *Service) Draft(ctx context.Context, id ID) (images, out []*Image, err error) {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if b.Order != nil {
		images, err = s.Images(ctx, id)
		return images, nil, err
	}
	stored, err := s.ports.Copies.stored(ctx, s.ports.Repository, id)
	if err != nil {
		return nil, nil, err
	}
	images, out = b.arrange(stored)
	resembling(images)
	return images, out, nil
}

// dropOut removes what was left out of a batch that has its order now. What a crash leaves behind is in no order, and
// taken away with whatever came too late.
func (s *Service) dropOut(ctx context.Context, b *Batch) error {
	stored, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	for _, m := range stored {
		if m.Out && !b.holds(m.N) {
			if err := s.takeBack(ctx, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// natural compares as a person orders names: case does not count, and numbers count by their value.
func natural(a, b string) int {
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

// lastPart is the name of a folder without those it lies in.
func lastPart(folder string) string {
	return strings.TrimFunc(folder[strings.LastIndexByte(folder, '/')+1:], unicode.IsSpace)
}
