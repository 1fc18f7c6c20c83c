package upkeep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// batch checks one batch with everything under it.
func (c *check) batch(ctx context.Context, id batch.ID) error {
	h := c.stored[id]
	b, err := c.Repository.Batch(ctx, id)
	switch {
	case errs.Is(err, errs.NotFound):
		h.deleted = true
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		h.seen = true
		c.report.Batches++
		c.find(Broken, id, 0, "it cannot be read: %s", errs.Message(err))
		return nil
	}
	h.seen = true
	c.report.Batches++
	if !b.Deleted.IsZero() {
		if time.Since(b.Deleted) > 2*batch.UndoFor {
			c.findAnd(c.erase(id), Left, id, 0, "it was deleted, and is not gone.")
		}
		return nil // whatever is missing of it is on its way out
	}
	c.leftRows(id, h)
	if !c.All && b.Status.Final() {
		c.leftUnits(id, h, "the batch has ended")
		return nil
	}
	images, err := c.images(ctx, id, h)
	if err != nil {
		return err
	}
	c.words(b)
	c.order(b, h, images)
	c.ending(b, images)
	c.units(b, h, images)
	uploads := map[string]int{}
	for _, m := range images {
		c.image(b, m)
		if other, twice := uploads[m.UploadID()]; twice {
			c.find(Broken, id, m.N, "it came from the same upload as image %d.", other)
		}
		uploads[m.UploadID()] = m.N
		if err := c.picture(ctx, h, m); err != nil {
			return err
		}
	}
	c.leftPictures(id, h, images)
	return nil
}

// images loads the images of a batch, one by one when a damaged one spoils the load of all.
func (c *check) images(ctx context.Context, id batch.ID, h *held) ([]*batch.Image, error) {
	images, err := c.Repository.Images(ctx, id)
	if err == nil {
		c.report.Images += len(images)
		return images, nil
	}
	for n := range h.images {
		m, err := c.Repository.Image(ctx, id, n)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errs.Is(err, errs.NotFound):
		case err != nil:
			c.report.Images++
			c.find(Broken, id, n, "it cannot be read: %s", errs.Message(err))
			h.unreadable[n] = true
		default:
			c.report.Images++
			images = append(images, m)
		}
	}
	slices.SortFunc(images, func(a, b *batch.Image) int { return a.N - b.N })
	return images, nil
}

// words checks what a batch says of itself.
func (c *check) words(b *batch.Batch) {
	known := []batch.Status{batch.Draft, batch.Scheduled, batch.Pending, batch.Processing, batch.Paused, batch.Completed, batch.Failed, batch.Canceled}
	if !slices.Contains(known, b.Status) {
		c.find(Broken, b.ID, 0, "its status is %q, which no batch can have.", b.Status)
	}
	begun := b.Status == batch.Processing || b.Status == batch.Completed || b.Status == batch.Failed
	if begun && b.Order == nil {
		c.find(Broken, b.ID, 0, "it is %s, but the order of its images was never frozen.", b.Status)
	}
}

// order checks the images against the frozen order.
func (c *check) order(b *batch.Batch, h *held, images []*batch.Image) {
	if b.Order == nil {
		return
	}
	there := map[int]bool{}
	for _, m := range images {
		there[m.N] = true
	}
	frozen := map[int]bool{}
	for _, n := range b.Order {
		if frozen[n] {
			c.find(Broken, b.ID, n, "it stands twice in the order of the batch.")
		}
		frozen[n] = true
		if !there[n] && !h.unreadable[n] {
			c.find(Broken, b.ID, n, "it belongs to the batch and is not there. Restore it from a backup.")
		}
	}
	for _, m := range images {
		if !frozen[m.N] {
			c.findAnd(c.removeImage(m), Left, b.ID, m.N, "it came after the batch was started and was never acknowledged.")
		}
	}
}

// ending checks that a batch has ended if and only if its images have, and its counts.
func (c *check) ending(b *batch.Batch, images []*batch.Image) {
	if b.Order == nil {
		return
	}
	var counts batch.Counts
	for _, m := range images {
		if slices.Contains(b.Order, m.N) {
			counts.Add(m.Figures(), 1)
		}
	}
	switch {
	case b.Status.Final() && counts.Done() < counts.Total():
		c.find(Broken, b.ID, 0, "it is %s, but %d of its images are not.", b.Status, counts.Total()-counts.Done())
	case b.Status.Final() && b.Counts != nil && !sameCounts(*b.Counts, counts) && counts.Total() == b.Total():
		c.find(Broken, b.ID, 0, "it counted %d completed, %d failed and %d canceled images, but there are %d, %d and %d.",
			b.Counts.Completed, b.Counts.Failed, b.Counts.Canceled, counts.Completed, counts.Failed, counts.Canceled)
	case b.Status == batch.Processing && counts.Done() == b.Total() && len(b.Reopen) == 0:
		c.findAnd(c.conclude(b.ID), Stalled, b.ID, 0, "all its images are read, and it has not ended.")
	}
}

// sameCounts compares where the images stand; rows and issues may be edited after the end.
func sameCounts(a, b batch.Counts) bool {
	return a.Completed == b.Completed && a.Failed == b.Failed && a.Canceled == b.Canceled
}

// units checks the work of a batch against its images: every image that is to be read now has its unit, and no image
// has two.
func (c *check) units(b *batch.Batch, h *held, images []*batch.Image) {
	queued, lent := map[batch.Unit]bool{}, map[batch.Unit]bool{}
	byN := map[int]*batch.Image{}
	for _, m := range images {
		byN[m.N] = m
		if u := m.Unit(); u.N != m.N && !m.Status.Final() {
			lent[u] = true
		}
	}
	for _, u := range h.units {
		m := byN[u.N]
		switch {
		case m == nil && h.unreadable[u.N]:
			// The image cannot be read; that is told already.
		case m != nil && u.Seq > m.Work:
			c.find(Broken, b.ID, u.N, "work number %d is queued, but it has only come to %d.", u.Seq, m.Work)
		case lent[u]: // another image is read in its turn
			queued[u] = true
		case m == nil || u != m.Unit() || m.Status.Final():
			c.findAnd(c.sweepUnit(u), Left, b.ID, u.N, "work number %d is queued, and it needs it no more.", u.Seq)
		default:
			queued[u] = true
		}
	}
	if b.Status == batch.Pending && b.Order == nil {
		c.findAnd(c.resume(b.ID), Stalled, b.ID, 0, "its start was cut off.")
		return
	}
	if b.Cancel && !b.Status.Final() {
		c.findAnd(c.resume(b.ID), Stalled, b.ID, 0, "it is to be canceled, and is not.")
		return
	}
	if b.Status != batch.Processing {
		return
	}
	if len(b.Reopen) > 0 {
		c.findAnd(c.resume(b.ID), Stalled, b.ID, 0, "a retry of %d images was cut off.", len(b.Reopen))
	}
	for _, m := range images {
		if b.Waits(m, func(n int) *batch.Image { return byN[n] }) {
			continue
		}
		if !m.Status.Final() && !queued[m.Unit()] && !m.NotBefore.After(time.Now()) && slices.Contains(b.Order, m.N) {
			c.findAnd(c.resume(b.ID), Stalled, b.ID, m.N, "it is to be read, but no work is queued for it.")
		}
	}
}

// image checks what an image says of itself.
func (c *check) image(b *batch.Batch, m *batch.Image) {
	wrong := func(format string, args ...any) { c.find(Broken, b.ID, m.N, format, args...) }
	known := []batch.Status{batch.Pending, batch.Processing, batch.Retrying, batch.Completed, batch.Failed, batch.Canceled}
	if !slices.Contains(known, m.Status) {
		wrong("its status is %q, which no image can have.", m.Status)
	}
	if m.Batch != b.ID {
		wrong("it says that it belongs to batch %s.", m.Batch)
	}
	if b.Order == nil && (m.Status != batch.Pending || m.Tries > 0) {
		wrong("it is %s after %d tries, but its batch was never started.", m.Status, m.Tries)
	}
	if m.Status == batch.Failed && m.Failure == "" {
		wrong("it failed without a reason.")
	}
	if m.Status == batch.Completed && m.Failure != "" {
		wrong("it is completed and gives a reason for failing.")
	}
	if m.Status == batch.Completed {
		columns := len(b.Table.Columns)
		if len(m.Columns) > 0 {
			columns = len(m.Columns)
		}
		for i, r := range m.Rows {
			if len(r.Cells) != columns {
				wrong("row %d has %d cells for %d columns.", i+1, len(r.Cells), columns)
				break
			}
		}
	}
	c.attempts(b, m)
}

// attempts checks that tries are numbered without a gap, that each ended before the next began, and that a final image
// has none that runs.
func (c *check) attempts(b *batch.Batch, m *batch.Image) {
	wrong := func(format string, args ...any) { c.find(Broken, b.ID, m.N, format, args...) }
	if len(m.Attempts) != min(m.Tries, batch.MaxAttempts) {
		wrong("%d tries were begun, but %d are written down.", m.Tries, len(m.Attempts))
		return
	}
	for i, a := range m.Attempts {
		if want := m.Tries - len(m.Attempts) + i + 1; a.N != want {
			wrong("try %d carries the number %d.", want, a.N)
		}
		if open := a.Ended.IsZero(); open && (i < len(m.Attempts)-1 || m.Status.Final()) {
			wrong("try %d never ended.", a.N)
		}
	}
}

// picture checks that the picture of an image is there and, when everything is checked, whole.
func (c *check) picture(ctx context.Context, h *held, m *batch.Image) error {
	c.report.Pictures++
	p := h.pictures[m.Picture.Key]
	listed := map[batch.Kind]bool{batch.Full: p.Full, batch.Thumb: p.Thumb}
	for _, kind := range []batch.Kind{batch.Full, batch.Thumb} {
		if listed[kind] && !c.All {
			continue
		}
		data, err := c.Pictures.GetPicture(ctx, m.Batch, m.Picture.Key, kind)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errs.Is(err, errs.NotFound):
			c.find(Broken, m.Batch, m.N, "its picture (%s) is missing. Restore it from a backup.", kind)
		case err != nil:
			c.find(Broken, m.Batch, m.N, "its picture (%s) cannot be read: %s", kind, errs.Message(err))
		case kind == batch.Full:
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != m.Picture.Digest {
				c.find(Broken, m.Batch, m.N, "its picture is not the one that was taken in.")
			}
		}
	}
	return nil
}

// leftPictures names the pictures of a batch that no image has. While an image cannot be read, nobody can tell.
func (c *check) leftPictures(id batch.ID, h *held, images []*batch.Image) {
	if len(h.unreadable) > 0 {
		return
	}
	taken := map[string]bool{}
	for _, m := range images {
		taken[m.Picture.Key] = true
	}
	for key, p := range h.pictures {
		if !taken[key] {
			c.findAnd(c.sweepPicture(p), Left, id, 0, "the picture %s is stored, and no image has it.", key)
		}
	}
}

func (c *check) leftRows(id batch.ID, h *held) {
	for _, r := range h.rows {
		if !r.Used {
			c.findAnd(c.sweepRows(r), Left, id, r.N, "rows are stored that it does not refer to.")
		}
	}
}

func (c *check) leftUnits(id batch.ID, h *held, why string) {
	for _, u := range h.units {
		c.findAnd(c.sweepUnit(u), Left, id, u.N, "work number %d is queued, but %s.", u.Seq, why)
	}
}

// withoutBatch names what is stored under batches that are not there.
func (c *check) withoutBatch(ctx context.Context) error {
	for id, h := range c.stored {
		if h.seen {
			continue
		}
		if !id.Valid() {
			c.find(Broken, id, 0, "something is stored under a name that no batch can have.")
			continue
		}
		if err := c.strayImages(ctx, id, h); err != nil {
			return err
		}
		for _, p := range h.pictures {
			c.findAnd(c.sweepPicture(p), Left, id, 0, "the picture %s is stored, but the batch is gone.", p.Key)
		}
		c.leftRows(id, h)
		for _, r := range h.readings {
			c.findAnd(c.sweepReading(r), Left, id, r.N, "what was read of it is remembered, but the batch is gone.")
		}
		c.leftUnits(id, h, "the batch is gone")
	}
	return nil
}

// strayImages names the images of a batch that is not there: left over when the batch was deleted, lost otherwise.
func (c *check) strayImages(ctx context.Context, id batch.ID, h *held) error {
	for n := range h.images {
		m, err := c.Repository.Image(ctx, id, n)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errs.Is(err, errs.NotFound): // the mark of an image that was deleted
		case h.deleted && err == nil:
			c.findAnd(c.removeImage(m), Left, id, n, "it is stored, but its batch was deleted.")
		default:
			c.find(Broken, id, n, "it is stored, but its batch is not there. Restore the batch from a backup.")
		}
	}
	return nil
}
