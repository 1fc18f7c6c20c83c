package batch

import "context"

// Each image has its own unit in the queue, and units are handed out in the order of the images. An image that is to go
// before the others cannot overtake them there. So whoever takes a unit lends its turn to the waiting image with the
// highest priority, and comes to its own image after that. The unit in hand stays what it is: one place of those that the
// batch may have, and the lock on whatever is read in its turn.

// Turn is the unit of work in whose turn an image is read: its own, or that of another image of its batch. It stands from
// the moment the image is taken until it is final or has to wait for a time; the zero value is none: the image waits.
type Turn struct {
	N   int `json:"n"`
	Seq int `json:"seq"`
}

// Turn is u as the image that is read in its turn notes it.
func (u Unit) Turn() Turn { return Turn{N: u.N, Seq: u.Seq} }

// Unit is the unit of work that m is read by: the one in whose turn it is in hand, or its own.
func (m *Image) Unit() Unit {
	turn := m.Turn
	if turn == (Turn{}) {
		turn = Turn{N: m.N, Seq: m.Work}
	}
	return Unit{Batch: m.Batch, N: turn.N, Seq: turn.Seq}
}

// MayTake reports whether m may be read in the turn of u: it is in hand under it already, or it waits and u is its own
// or lent by another.
func (m *Image) MayTake(u Unit) bool {
	switch {
	case m.Status.Final() || m.Batch != u.Batch:
		return false
	case m.Turn != Turn{}:
		return m.Turn == u.Turn()
	default:
		return u.N != m.N || u.Seq == m.Work
	}
}

// SetImagePriority says how an image stands against the others of its batch, at any time: it is read before those that
// wait with a lower one, as soon as any image of the batch comes to its end. What is being read is read to its end, and
// for an image that is final nothing changes. The same picture that it waits for is raised with it.
func (s *Service) SetImagePriority(ctx context.Context, id ID, n int, p Priority) (*Image, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	b, err := s.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	set := func(m *Image) (bool, error) {
		changed := !m.Status.Final() && m.Priority.Level() != p.Level()
		m.Priority = p
		return changed, nil
	}
	m, err := s.changeImage(ctx, id, n, set)
	if first, twin := b.Twins[n]; err == nil && twin && m.Status == Pending && p == High {
		_, err = s.changeImage(ctx, id, first, set)
	}
	return m, err
}
