package batch

import "context"

// If a batch contains the same picture twice, it is read once: the later images wait, without a unit of work, until the first
// is final. If it was read, its rows are copied to them; if not, they are read themselves.

// samePictures returns, for each image that is the same picture as an earlier one, the N of that earlier image.
func samePictures(images []*Image) map[int]int {
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

// Waits reports whether m waits for the first image of the same picture; of returns an image by its N, or nil.
func (b *Batch) Waits(m *Image, of func(n int) *Image) bool {
	n, duplicate := b.DuplicateOf[m.N]
	if !duplicate || m.Status != Pending || m.Generation > 1 {
		return false
	}
	first := of(n)
	return first != nil && !first.Status.Final()
}

// EnqueueDuplicates queues the duplicates that wait for image n, if n is final.
func (s *Service) EnqueueDuplicates(ctx context.Context, id ID, n int) error {
	b, err := s.Batch(ctx, id)
	if err != nil || len(b.DuplicateOf) == 0 {
		return err
	}
	m, err := s.Image(ctx, id, n)
	if err != nil || !m.Status.Final() {
		return err
	}
	var units []Unit
	for duplicate, first := range b.DuplicateOf {
		if first == n {
			units = append(units, Unit{Batch: id, N: duplicate, Generation: 1})
		}
	}
	return s.ports.Queue.Add(ctx, units)
}
