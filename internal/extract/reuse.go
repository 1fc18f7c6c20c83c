package extract

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// rememberWait is how long an image waits for its reading to be remembered: it is worth a call, not a delay.
const rememberWait = 2 * time.Second

// reuse completes the image with what was read of the same picture before, for its batch or another one, and reports
// whether it did.
func (t *try) reuse(ctx context.Context, m *batch.Image) (bool, error) {
	twin, err := t.twin(ctx, m)
	if err != nil {
		return false, err
	}
	if twin != nil {
		return true, t.takeFrom(ctx, twin)
	}
	earlier := t.earlier(ctx, m)
	if earlier == nil {
		return false, nil
	}
	return true, t.takeOver(ctx, earlier)
}

// twin is the image of the same picture in the same batch that was read already, whose rows m may take; nil when m is to be
// read itself.
func (t *try) twin(ctx context.Context, m *batch.Image) (*batch.Image, error) {
	n, same := t.batch.Twins[m.N]
	if !same || m.Work > 1 || m.Tries > 0 {
		return nil, nil // a person, or a fault, has it read for itself
	}
	first, err := t.runner.Repository.Image(ctx, m.Batch, n)
	if err != nil || first.Status != batch.Completed || first.Picture.Digest != m.Picture.Digest {
		return nil, err
	}
	return first, nil
}

// takeFrom completes the image with what was read of the same picture in its batch.
func (t *try) takeFrom(ctx context.Context, twin *batch.Image) error {
	return t.keep(ctx, func(m *batch.Image) bool {
		if !t.owns(m) {
			return false
		}
		m.Status, m.Ended, m.Twin, m.Turn, m.Earlier = batch.Completed, time.Now().UTC(), twin.N, batch.Turn{}, twin.Earlier
		m.Columns, m.Rows, m.Issues, m.Text = twin.Columns, twin.Rows, twin.Issues, twin.Text
		return true
	})
}

// earlier is what was read for another batch and answers the question of m; nil when m is to be read.
func (t *try) earlier(ctx context.Context, m *batch.Image) *batch.Reading {
	if t.question = t.ask(m); t.question == "" || t.with.Fresh {
		return nil
	}
	if t.runner.Samples.holds(m, t.batch.Table, t.with.Engine, t.with.Model) {
		return nil // a person had it read for this batch already, and paid for it
	}
	r, err := t.runner.Readings.Recall(ctx, t.question)
	switch {
	case errs.Is(err, errs.NotFound):
		return nil
	case err != nil:
		t.runner.Log.Warn("earlier readings cannot be looked up; the picture is read", "batch", m.Batch, "image", m.N, "err", err)
		return nil
	case r.Batch == m.Batch && r.N == m.N: // a crash came between this and its image: no earlier one, and it was not free
		return nil
	case time.Since(r.Read) > t.runner.Reuse:
		return nil
	}
	return r
}

// takeOver completes the image with what was read for another batch. It is not remembered again: its age would have no
// end then, nor would it go with the batch that it was read for.
func (t *try) takeOver(ctx context.Context, r *batch.Reading) error {
	reading := &engine.Reading{Columns: r.Columns, Rows: r.Rows, Issues: r.Issues, Text: r.Text}
	err := t.keep(ctx, func(m *batch.Image) bool {
		if !t.owns(m) {
			return false
		}
		t.complete(m, reading, time.Now().UTC())
		m.Earlier = &batch.Earlier{Read: r.Read, Engine: r.Engine, Model: r.Model}
		return true
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil {
		t.runner.Log.Debug("an earlier reading was taken over", "batch", t.hand.unit.Batch, "image", t.hand.n, "rows", len(r.Rows), "read", r.Read)
	}
	return err
}

// ask is the question to the engine as a digest: the picture as it is sent, the columns, who reads, and all else that the
// answer depends on; "" when no other reading can stand for this one.
func (t *try) ask(m *batch.Image) string {
	asker, ok := t.runner.Engines[t.with.Engine].(engine.Asker)
	if !ok || t.runner.Readings == nil || t.runner.Reuse <= 0 {
		return ""
	}
	asks := asker.Asks(t.batch.Table, t.with.Model)
	if asks == "" {
		return ""
	}
	whole, err := json.Marshal([]string{t.runner.Version, m.Picture.Digest, t.with.Engine, columnsOf(t.batch.Table), asks})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(whole)
	return hex.EncodeToString(sum[:])
}

// columnsOf is a table as a question holds it: the same columns ask the same, wherever they come from.
func columnsOf(t table.Table) string {
	t.Preset, t.Columns = "", slices.Clone(t.Columns)
	for i := range t.Columns {
		t.Columns[i].Dates = table.NoOrder // what is read is understood so afterwards
	}
	columns, _ := json.Marshal(t)
	return string(columns)
}

// remember keeps what was read as the answer to its question. It goes first, before the image: what is kept when the batch
// is erased meanwhile is then either erased with it or forgotten by finish. A picture in which nothing was found is asked
// about again, and what cannot be kept costs another call at most.
func (t *try) remember(ctx context.Context, reading *engine.Reading) {
	if t.question == "" || len(reading.Rows) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, rememberWait)
	defer cancel()
	err := t.runner.Readings.Remember(ctx, t.question, &batch.Reading{
		Read: time.Now().UTC(), Engine: t.with.Engine, Model: reading.Model,
		Columns: reading.Columns, Rows: reading.Rows, Issues: reading.Issues, Text: clip(reading.Text, maxText),
		Batch: t.hand.unit.Batch, N: t.hand.n,
	})
	if err != nil {
		t.runner.Log.Warn("a reading is not remembered; the same picture will be read again", "batch", t.hand.unit.Batch, "image", t.hand.n, "err", err)
	}
}

// forget takes back what was remembered for a batch that was erased meanwhile.
func (t *try) forget(ctx context.Context) {
	if t.question == "" {
		return
	}
	if err := t.runner.Readings.Forget(ctx, t.hand.unit.Batch); err != nil {
		t.runner.Log.Warn("a reading of a batch that is gone is still remembered; the next start forgets it", "batch", t.hand.unit.Batch, "err", err)
	}
}
