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

// batch checks one batch with all its data.
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
		h.hasDocument = true
		c.report.Batches++
		c.addFinding(Corrupt, id, 0, "it cannot be read: %s", errs.Message(err))
		return nil
	}
	h.hasDocument = true
	c.report.Batches++
	if !b.Deleted.IsZero() {
		if time.Since(b.Deleted) > 2*batch.UndoFor {
			c.findRepairable(c.erase(id), Orphan, id, 0, "it was deleted, and is not gone.")
		}
		return nil // its missing parts are being removed
	}
	c.orphanRows(id, h)
	if !c.All && b.Status.Final() {
		c.orphanUnits(id, h, "the batch has ended")
		return nil
	}
	images, err := c.images(ctx, id, h)
	if err != nil {
		return err
	}
	c.status(b)
	c.order(b, h, images)
	c.end(b, images)
	c.units(b, h, images)
	uploads := map[string]int{}
	for _, m := range images {
		c.image(b, m)
		if other, twice := uploads[m.UploadID()]; twice {
			c.addFinding(Corrupt, id, m.N, "it came from the same upload as image %d.", other)
		}
		uploads[m.UploadID()] = m.N
		if err := c.picture(ctx, h, m); err != nil {
			return err
		}
	}
	c.orphanPictures(id, h, images)
	return nil
}

// images loads the images of a batch, one by one if a damaged one makes the load of all fail.
func (c *check) images(ctx context.Context, id batch.ID, h *storedBatch) ([]*batch.Image, error) {
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
			c.addFinding(Corrupt, id, n, "it cannot be read: %s", errs.Message(err))
			h.unreadable[n] = true
		default:
			c.report.Images++
			images = append(images, m)
		}
	}
	slices.SortFunc(images, func(a, b *batch.Image) int { return a.N - b.N })
	return images, nil
}

// status checks the fields of a batch for consistency.
func (c *check) status(b *batch.Batch) {
	known := []batch.Status{batch.Draft, batch.Scheduled, batch.Pending, batch.Processing, batch.Paused, batch.Completed, batch.Failed, batch.Canceled}
	if !slices.Contains(known, b.Status) {
		c.addFinding(Corrupt, b.ID, 0, "its status is %q, which no batch can have.", b.Status)
	}
	begun := b.Status == batch.Processing || b.Status == batch.Completed || b.Status == batch.Failed
	if begun && b.Order == nil {
		c.addFinding(Corrupt, b.ID, 0, "it is %s, but the order of its images was never frozen.", b.Status)
	}
}

// order checks the images against the frozen order.
func (c *check) order(b *batch.Batch, h *storedBatch, images []*batch.Image) {
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
			c.addFinding(Corrupt, b.ID, n, "it stands twice in the order of the batch.")
		}
		frozen[n] = true
		if !there[n] && !h.unreadable[n] {
			c.addFinding(Corrupt, b.ID, n, "it belongs to the batch and is not there. Restore it from a backup.")
		}
	}
	for _, m := range images {
		if !frozen[m.N] {
			c.findRepairable(c.removeImage(m), Orphan, b.ID, m.N, "it came after the batch was started and was never acknowledged.")
		}
	}
}

// end checks that a batch has ended if and only if its images have, and its counts.
func (c *check) end(b *batch.Batch, images []*batch.Image) {
	if b.Order == nil {
		return
	}
	var counts batch.Counts
	for _, m := range images {
		if slices.Contains(b.Order, m.N) {
			counts.Add(m.Figures(b.Table), 1)
		}
	}
	switch {
	case b.Status.Final() && counts.Done() < counts.Total():
		c.addFinding(Corrupt, b.ID, 0, "it is %s, but %d of its images are not.", b.Status, counts.Total()-counts.Done())
	case b.Status.Final() && b.Counts != nil && !sameCounts(*b.Counts, counts) && counts.Total() == b.Total():
		c.addFinding(Corrupt, b.ID, 0, "it counted %d completed, %d failed and %d canceled images, but there are %d, %d and %d.",
			b.Counts.Completed, b.Counts.Failed, b.Counts.Canceled, counts.Completed, counts.Failed, counts.Canceled)
	case b.Status == batch.Processing && counts.Done() == b.Total() && len(b.RetryIntents) == 0:
		c.findRepairable(c.finish(b.ID), Stuck, b.ID, 0, "all its images are read, and it has not ended.")
	}
}

// sameCounts compares the states of images; rows and issues may be edited after the end.
func sameCounts(a, b batch.Counts) bool {
	return a.Completed == b.Completed && a.Failed == b.Failed && a.Canceled == b.Canceled
}

// units checks the queued work of a batch against its images: every image to be read now has its unit, and no image
// has two.
func (c *check) units(b *batch.Batch, h *storedBatch, images []*batch.Image) {
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
			// The image is unreadable; that is reported already.
		case m != nil && u.Generation > m.Generation:
			c.addFinding(Corrupt, b.ID, u.N, "work number %d is queued, but it has only come to %d.", u.Generation, m.Generation)
		case lent[u]: // another image is read under its lease
			queued[u] = true
		case m == nil || u != m.Unit() || m.Status.Final():
			c.findRepairable(c.sweepUnit(u), Orphan, b.ID, u.N, "work number %d is queued, and it needs it no more.", u.Generation)
		default:
			queued[u] = true
		}
	}
	if b.Status == batch.Pending && b.Order == nil {
		c.findRepairable(c.resume(b.ID), Stuck, b.ID, 0, "its start was cut off.")
		return
	}
	if b.Cancel && !b.Status.Final() {
		c.findRepairable(c.resume(b.ID), Stuck, b.ID, 0, "it is to be canceled, and is not.")
		return
	}
	if b.Status != batch.Processing {
		return
	}
	if len(b.RetryIntents) > 0 {
		c.findRepairable(c.resume(b.ID), Stuck, b.ID, 0, "a retry of %d images was cut off.", len(b.RetryIntents))
	}
	for _, m := range images {
		if b.Waits(m, func(n int) *batch.Image { return byN[n] }) {
			continue
		}
		if !m.Status.Final() && !queued[m.Unit()] && !m.NotBefore.After(time.Now()) && slices.Contains(b.Order, m.N) {
			c.findRepairable(c.resume(b.ID), Stuck, b.ID, m.N, "it is to be read, but no work is queued for it.")
		}
	}
}

// image checks the fields of an image for consistency.
func (c *check) image(b *batch.Batch, m *batch.Image) {
	wrong := func(format string, args ...any) { c.addFinding(Corrupt, b.ID, m.N, format, args...) }
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

// attempts checks that attempts are numbered without a gap, that each ended before the next began, and that a final
// image has no running one.
func (c *check) attempts(b *batch.Batch, m *batch.Image) {
	wrong := func(format string, args ...any) { c.addFinding(Corrupt, b.ID, m.N, format, args...) }
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

// picture checks that the picture of an image exists and, with Options.All, that its digest is right.
func (c *check) picture(ctx context.Context, h *storedBatch, m *batch.Image) error {
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
			c.addFinding(Corrupt, m.Batch, m.N, "its picture (%s) is missing. Restore it from a backup.", kind)
		case err != nil:
			c.addFinding(Corrupt, m.Batch, m.N, "its picture (%s) cannot be read: %s", kind, errs.Message(err))
		case kind == batch.Full:
			if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != m.Picture.Digest {
				c.addFinding(Corrupt, m.Batch, m.N, "its picture is not the one that was taken in.")
			}
		}
	}
	return nil
}

// orphanPictures finds the pictures of a batch that no image refers to. While an image is unreadable, that is
// unknown.
func (c *check) orphanPictures(id batch.ID, h *storedBatch, images []*batch.Image) {
	if len(h.unreadable) > 0 {
		return
	}
	taken := map[string]bool{}
	for _, m := range images {
		taken[m.Picture.Key] = true
	}
	for key, p := range h.pictures {
		if !taken[key] {
			c.findRepairable(c.sweepPicture(p), Orphan, id, 0, "the picture %s is stored, and no image has it.", key)
		}
	}
}

func (c *check) orphanRows(id batch.ID, h *storedBatch) {
	for _, r := range h.rows {
		if !r.Used {
			c.findRepairable(c.sweepRows(r), Orphan, id, r.N, "rows are stored that it does not refer to.")
		}
	}
}

func (c *check) orphanUnits(id batch.ID, h *storedBatch, why string) {
	for _, u := range h.units {
		c.findRepairable(c.sweepUnit(u), Orphan, id, u.N, "work number %d is queued, but %s.", u.Generation, why)
	}
}

// withoutBatch finds data stored under batches that do not exist.
func (c *check) withoutBatch(ctx context.Context) error {
	for id, h := range c.stored {
		if h.hasDocument {
			continue
		}
		if !id.Valid() {
			c.addFinding(Corrupt, id, 0, "something is stored under a name that no batch can have.")
			continue
		}
		if err := c.orphanImages(ctx, id, h); err != nil {
			return err
		}
		for _, p := range h.pictures {
			c.findRepairable(c.sweepPicture(p), Orphan, id, 0, "the picture %s is stored, but the batch is gone.", p.Key)
		}
		c.orphanRows(id, h)
		for _, r := range h.readings {
			c.findRepairable(c.sweepReading(r), Orphan, id, r.N, "a reading of it is remembered, but the batch is gone.")
		}
		c.orphanUnits(id, h, "the batch is gone")
	}
	return nil
}

// orphanImages finds the images of a batch that does not exist: orphans if the batch was deleted, corrupt
// otherwise.
func (c *check) orphanImages(ctx context.Context, id batch.ID, h *storedBatch) error {
	for n := range h.images {
		m, err := c.Repository.Image(ctx, id, n)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errs.Is(err, errs.NotFound): // the tombstone of a deleted image
		case h.deleted && err == nil:
			c.findRepairable(c.removeImage(m), Orphan, id, n, "it is stored, but its batch was deleted.")
		default:
			c.addFinding(Corrupt, id, n, "it is stored, but its batch is not there. Restore the batch from a backup.")
		}
	}
	return nil
}
