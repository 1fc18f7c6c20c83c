package batch

import (
	"sheetlift/internal/errs"
)

// Each image has its own unit in the queue, and units are delivered in image order. An image with a higher priority cannot
// overtake the others in the queue. So a worker that gets a unit first uses it for the waiting image with the highest priority;
// its own image is read later. The unit keeps its two roles: it is one of the batch's concurrency slots, and the lock on the
// image that is read under it.

// Lease is the unit of work under which an image is read: its own, or that of another image of its batch. It is set from the
// moment the image is claimed until it is final or has to wait; the zero value means that the image waits.
type Lease struct {
	N          int `json:"n"`
	Generation int `json:"seq"`
}

// Lease returns u in the form that an image stores.
func (u Unit) Lease() Lease { return Lease{N: u.N, Generation: u.Generation} }

// Unit returns the unit of work for m: the one under which it is in flight, or its own.
func (m *Image) Unit() Unit {
	lease := m.Lease
	if lease == (Lease{}) {
		lease = Lease{N: m.N, Generation: m.Generation}
	}
	return Unit{Batch: m.Batch, N: lease.N, Generation: lease.Generation}
}

// CanClaim reports whether m may be read under u: it is in flight under u already, or it waits and u is either its own valid
// unit or the unit of another image.
func (m *Image) CanClaim(u Unit) bool {
	switch {
	case m.Status.Final() || m.Batch != u.Batch:
		return false
	case m.Lease != Lease{}:
		return m.Lease == u.Lease()
	default:
		return u.N != m.N || u.Generation == m.Generation
	}
}

// A picture that crashes the whole program would crash it again after each start. So the program marks the images that it is
// opening (package danger), and an image that was marked when the program died is a suspect: it is read last in its batch, and
// nothing else is opened meanwhile. Only a crash while it was the only open picture counts against it.

// maxStrikes is how many crashes, with it as the only open picture, set an image aside.
const maxStrikes = 2

// Suspect is the crash record of an image.
type Suspect struct {
	Strikes int    `json:"strikes,omitempty"` // crashes with it as the only open picture, since the last manual retry
	Mark    string `json:"mark,omitempty"`    // the newest mark that was counted, so that it counts once
}

// Suspected records that the program died while m was marked with mark, and whether m was the only open picture then. It
// reports whether the mark is new.
func (m *Image) Suspected(mark string, alone bool) bool {
	s := Suspect{}
	if m.Suspect != nil {
		s = *m.Suspect
	}
	if s.Mark == mark {
		return false
	}
	s.Mark = mark
	if alone {
		s.Strikes++
	}
	m.Suspect = &s
	return true
}

// SetAside reports whether m crashed the program so often that it is not opened again until a person requests it.
func (m *Image) SetAside() bool { return m.Suspect != nil && m.Suspect.Strikes >= maxStrikes }

// Openable returns nil, or for a picture that was set aside the error that explains why it cannot be rotated or previewed.
func (m *Image) Openable() error {
	if m.SetAside() {
		return errs.New(errs.Invalid, "This picture stopped the program more than once, so it is not opened any more. Remove it, and photograph the sheet again.")
	}
	return nil
}

// ClearStrikes clears the strikes of m after a manual retry. It stays a suspect until it was read.
func (m *Image) ClearStrikes() {
	if m.Suspect != nil {
		m.Suspect = &Suspect{Mark: m.Suspect.Mark}
	}
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

// SamePictures returns, for each image that is the same picture as an earlier one, the N of that earlier image.
func SamePictures(images []*Image) map[int]int {
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

// ToRead returns how many of the images of a draft need to be read: of several images of the same picture only one is.
func ToRead(images []*Image) int { return len(images) - len(SamePictures(images)) }
