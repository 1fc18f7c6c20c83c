package batch

import "context"

// The same picture twice in a batch is read once: the later ones wait, without a unit of work, until the first is
// final. If it was read, they take its rows; if it was not, they are read themselves.

// twins is which images are the same picture as an earlier one.
func twins(images []*Image) map[int]int {
	var same map[int]int
	first := make(map[string]int, len(images))
	for _, m := range images {
		n, seen := first[m.Picture.Digest]
		switch {
		case !seen:
			first[m.Picture.Digest] = m.N
		case same == nil:
			same = map[int]int{m.N: n}
		default:
			same[m.N] = n
		}
	}
	return same
}

// Waits reports whether m waits for the first image of the same picture; of returns an image by its number, or nil.
func (b *Batch) Waits(m *Image, of func(n int) *Image) bool {
	n, twin := b.Twins[m.N]
	if !twin || m.Status != Pending || m.Work > 1 {
		return false
	}
	first := of(n)
	return first != nil && !first.Status.Final()
}

// Follow queues the images that waited for image n, if it is final.
func (s *Service) Follow(ctx context.Context, id ID, n int) error {
	b, err := s.Batch(ctx, id)
	if err != nil || len(b.Twins) == 0 {
		return err
	}
	m, err := s.Image(ctx, id, n)
	if err != nil || !m.Status.Final() {
		return err
	}
	var units []Unit
	for twin, first := range b.Twins {
		if first == n {
			units = append(units, Unit{Batch: id, N: twin, Seq: 1})
		}
	}
	return s.ports.Queue.Add(ctx, units)
}
