package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/pieces"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// cacheWait is how long an image waits for its reading to be cached: a cached reading saves one call and is not worth
// a longer delay.
const cacheWait = 2 * time.Second

// reuse completes the image with an earlier reading of the same picture, from its own batch or another one, and reports
// whether it did.
func (t *attempt) reuse(ctx context.Context, m *batch.Image) (bool, error) {
	duplicate, err := t.duplicate(ctx, m)
	if err != nil {
		return false, err
	}
	if duplicate != nil {
		return true, t.copyFrom(ctx, duplicate)
	}
	cached := t.cached(ctx, m)
	if cached == nil {
		return false, nil
	}
	return true, t.completeFromCache(ctx, cached)
}

// duplicate returns the completed image of the same picture in the same batch, whose rows m may take; nil when m has to be read
// itself.
func (t *attempt) duplicate(ctx context.Context, m *batch.Image) (*batch.Image, error) {
	n, same := t.batch.DuplicateOf[m.N]
	if !same || m.Generation > 1 || m.Tries > 0 {
		return nil, nil // it is read itself: a person requested that, or an attempt at it failed
	}
	first, err := t.runner.Repository.Image(ctx, m.Batch, n)
	if err != nil || first.Status != batch.Completed || first.Picture.Digest != m.Picture.Digest {
		return nil, err
	}
	return first, nil
}

// copyFrom completes the image with the rows of the same picture in its batch.
func (t *attempt) copyFrom(ctx context.Context, duplicate *batch.Image) error {
	return t.saveWithRetry(ctx, func(m *batch.Image) bool {
		if !t.owns(m) {
			return false
		}
		m.Status, m.Ended, m.DuplicateOf, m.Lease, m.CachedFrom = batch.Completed, time.Now().UTC(), duplicate.N, batch.Lease{}, duplicate.CachedFrom
		m.Suspect, m.Typed = nil, nil
		m.Columns, m.Rows, m.Issues, m.Text, m.Checks = duplicate.Columns, duplicate.Rows, duplicate.Issues, duplicate.Text, duplicate.Checks
		return true
	})
}

// cached returns the cached reading of another batch that answers the question of m; nil when m has to be read.
func (t *attempt) cached(ctx context.Context, m *batch.Image) *batch.Reading {
	if t.question = t.cacheKey(m); t.question == "" || t.readAs.Fresh {
		return nil
	}
	if t.runner.Previews.has(m, t.batch.Table, t.readAs) {
		return nil // a preview of this batch, which is paid for, goes first
	}
	r, err := t.runner.ReadingCache.GetReading(ctx, t.question)
	switch {
	case errs.Is(err, errs.NotFound), err != nil && ctx.Err() != nil: // not cached, or the attempt was canceled
		return nil
	case err != nil:
		t.runner.Log.Warn("earlier readings cannot be looked up; the picture is read", "batch", m.Batch, "image", m.N, "err", err)
		return nil
	case r.Batch == m.Batch && r.N == m.N: // cached for this image, but a crash came before the image was stored: it was not free
		return nil
	case time.Since(r.Read) > t.runner.Reuse, !t.stillServes(r):
		return nil
	}
	return r
}

// modelServer is an engine whose questions may be answered by another model than the requested one.
type modelServer interface {
	// Served returns the model that answers for the requested one; known is false when no recent answer showed it.
	Served(model string) (by string, known bool)
}

// servedLately is how long an answer is proof of the model that answers for the requested one.
const servedLately = 24 * time.Hour

// stillServes reports whether the model that made a cached reading would also answer now. When no recent answer showed the
// current model, a reading younger than servedLately is proof itself. With an older one the picture is read again, and its
// answer shows the model.
func (t *attempt) stillServes(r *batch.Reading) bool {
	s, ok := t.runner.Engines[t.readAs.Engine].(modelServer)
	if !ok {
		return true
	}
	now, known := s.Served(t.readAs.Model)
	if !known {
		return time.Since(r.Read) < servedLately
	}
	return now == r.Model
}

// completeFromCache completes the image with a reading of another batch. The reading is not cached again: otherwise it would never
// become too old, and it would not be erased together with the batch that it was read for.
func (t *attempt) completeFromCache(ctx context.Context, r *batch.Reading) error {
	reading := &engine.Reading{Columns: r.Columns, Rows: r.Rows, Issues: r.Issues, Text: r.Text}
	err := t.saveWithRetry(ctx, func(m *batch.Image) bool {
		if !t.owns(m) {
			return false
		}
		t.complete(m, reading, time.Now().UTC())
		m.CachedFrom = &batch.CachedFrom{Read: r.Read, Engine: r.Engine, Model: r.Model}
		return true
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil {
		t.runner.Log.Debug("an earlier reading was taken over", "batch", t.inflight.unit.Batch, "image", t.inflight.n, "rows", len(r.Rows), "read", r.Read)
	}
	return err
}

// cacheKey returns the cache key of the question about the whole image; "" when no other reading can answer it.
func (t *attempt) cacheKey(m *batch.Image) string {
	return t.digest(m.Picture.Digest, t.engineQuestion(), pieces.Asks(m.Picture.Width, m.Picture.Height))
}

// digest returns the cache key of a question to the engine: a SHA-256 over the program's version, the digest of the
// picture as it is sent, the engine, the columns, and all else that the answer depends on. It is "" when no other reading
// can answer the question.
func (t *attempt) digest(picture string, q engine.Question, more ...string) string {
	asker, ok := t.runner.Engines[t.readAs.Engine].(engine.Asker)
	if !ok || t.runner.ReadingCache == nil || t.runner.Reuse <= 0 {
		return ""
	}
	spec := asker.Asks(q)
	if spec == "" {
		return ""
	}
	whole, err := json.Marshal([]string{t.runner.Version, picture, t.readAs.Engine, columnsOf(q.Table), spec + strings.Join(more, " ")})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(whole)
	return hex.EncodeToString(sum[:])
}

// columnsOf returns the JSON of a table's columns for use in a cache key. Equal columns give equal keys, from whichever
// preset they come.
func columnsOf(t table.Table) string {
	t.Preset, t.Columns = "", slices.Clone(t.Columns)
	for i := range t.Columns {
		t.Columns[i].Dates, t.Columns[i].Decimal = table.NoOrder, table.NoMark // applied to the reading afterwards, so not part of the question
	}
	columns, _ := json.Marshal(t)
	return string(columns)
}

// cache caches a reading as the answer to its question. It runs before the image is stored: if the batch is erased
// meanwhile, the cached reading is either erased with it or purged by finish. A reading without rows is not cached, so the
// picture is read again next time. A reading that cannot be cached costs one more call at most.
func (t *attempt) cache(ctx context.Context, reading *engine.Reading) {
	if t.question != "" && len(reading.Rows) > 0 {
		t.putCache(ctx, t.question, reading)
	}
}

// putCache caches a reading as the answer to a question. A failure is logged only.
func (t *attempt) putCache(ctx context.Context, question string, reading *engine.Reading) {
	ctx, cancel := context.WithTimeout(ctx, cacheWait)
	defer cancel()
	err := t.runner.ReadingCache.PutReading(ctx, question, &batch.Reading{
		Read: time.Now().UTC(), Engine: t.readAs.Engine, Model: reading.Model,
		Columns: reading.Columns, Rows: reading.Rows, Issues: reading.Issues, Text: clip(reading.Text, maxText),
		Batch: t.inflight.unit.Batch, N: t.inflight.n,
	})
	if err != nil {
		t.runner.Log.Warn("a reading is not remembered; the same picture will be read again", "batch", t.inflight.unit.Batch, "image", t.inflight.n, "err", err)
	}
}

// purgeCache purges the cached readings of the batch after the batch was erased meanwhile.
func (t *attempt) purgeCache(ctx context.Context) {
	if t.question == "" {
		return
	}
	if err := t.runner.ReadingCache.PurgeReadings(ctx, t.inflight.unit.Batch); err != nil {
		t.runner.Log.Warn("a reading of a batch that is gone is still remembered; the next start forgets it", "batch", t.inflight.unit.Batch, "err", err)
	}
}
