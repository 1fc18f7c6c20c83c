package batch

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
