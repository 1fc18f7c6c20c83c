package worker

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/pieces"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
	"sheetlift/internal/table"
)

// attempt is one attempt to read an image. Its writes are fenced by the lease and by the number of the attempt: once another
// worker has claimed the image, the result of this attempt is dropped.
type attempt struct {
	runner   *Runner
	batch    *batch.Batch
	inflight *inflight
	readAs   batch.ReadAs // the engine, the model and the thinking level to read with
	tries    int          // the number of this attempt, once started; before that, the number of attempts made
	started  bool         // the attempt is stored
	question string       // the cache key of the question; "" when no other reading can answer it
	saveErr  error        // why the attempt could not be stored: a fault of the store and not of the engine or the image
	spent    engine.Usage // on the pieces of a long picture that were read so far
}

// run calls the engine. A panic of the engine becomes a failure of the attempt.
func (t *attempt) run(ctx context.Context, m *batch.Image) (reading *engine.Reading, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.runner.Log.Error("an engine panicked", "engine", t.readAs.Engine, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			reading, err = nil, &engine.Failure{Why: engine.Crashed, Message: "The reading stopped unexpectedly."}
		}
	}()
	eng, ok := t.runner.Engines[t.readAs.Engine]
	if !ok {
		return nil, &engine.Failure{Why: engine.Unavailable, Message: unavailable(t.readAs.Engine)}
	}
	// A preview that a person requested before the start is paid for already. Its reading becomes this attempt.
	if m.Tries == 0 {
		if reading := t.runner.Previews.pop(m, t.batch.Table, t.readAs); reading != nil {
			return reading, t.begin(ctx, reading.Key)
		}
	}
	picture, err := t.runner.Pictures.GetPicture(ctx, m.Batch, m.Picture.Key, batch.Full)
	if errs.Is(err, errs.NotFound) {
		return nil, &engine.Failure{Why: engine.BadPicture, Message: "The stored picture is missing or damaged. Upload it again in a new batch.", Err: err}
	}
	if err != nil {
		return nil, &engine.Failure{Why: engine.Unreachable, Message: errs.Message(err), Until: time.Now().Add(storePause), Err: err}
	}
	req := engine.Request{
		Batch: string(m.Batch), Priority: int(t.inflight.priority), Picture: picture, MIME: m.Picture.MIME, Width: m.Picture.Width, Height: m.Picture.Height,
		Table: t.batch.Table, Model: t.readAs.Model, Thinking: t.readAs.Thinking, Begin: t.begin,
		AtOnce: t.batch.Options.AtOnce, Behind: func() int { return t.runner.behind(m.Batch) },
	}
	for _, a := range m.Attempts {
		req.Previous = append(req.Previous, engine.Past{Why: engine.Why(a.Why), Key: a.Key})
	}
	if pieces.Asks(m.Picture.Width, m.Picture.Height) != "" {
		eng = &pieceCache{Engine: eng, attempt: t, image: m}
	}
	return pieces.Read(opening(ctx, t.runner.Danger, m), t.runner.Cutter, eng, req)
}

// engineQuestion returns the question of this attempt, without the picture.
func (t *attempt) engineQuestion() engine.Question {
	return engine.Question{Table: t.batch.Table, Model: t.readAs.Model, Thinking: t.readAs.Thinking}
}

// begin stores the attempt before the engine makes a call that costs money.
func (t *attempt) begin(ctx context.Context, key string) error {
	if !t.runner.setPhase(ctx, t.inflight, calling) {
		return context.Cause(ctx)
	}
	owned := false
	_, err := t.runner.update(ctx, t.inflight, func(m *batch.Image) bool {
		if owned = t.owns(m); !owned {
			return false
		}
		m.Tries++
		m.Attempts = append(m.Attempts, batch.Attempt{
			N: m.Tries, Engine: t.readAs.Engine, Model: t.readAs.Model, Key: key, Started: time.Now().UTC(),
		})
		if drop := len(m.Attempts) - batch.MaxAttempts; drop > 0 {
			m.Attempts = m.Attempts[drop:]
		}
		return true
	})
	if err != nil {
		t.saveErr = err
		return err
	}
	if !owned {
		return errLeaseLost
	}
	fault.At(fault.TryBegun)
	t.tries, t.started = t.tries+1, true
	return nil
}

// owns reports whether this attempt still holds the image.
func (t *attempt) owns(m *batch.Image) bool {
	return m.Lease == t.inflight.unit.Lease() && m.Tries == t.tries && !m.Status.Final()
}

// finish stores the result of the attempt: rows and status in one compare-and-swap. It returns the wait before the next
// attempt by the same worker, or a negative time when the unit is finished.
func (t *attempt) finish(ctx context.Context, reading *engine.Reading, failed error) (time.Duration, error) {
	ctx, cancel := outlive(ctx) // it is paid for: it is written down also when the program ends just now
	defer cancel()
	wait := time.Duration(-1)
	if failed == nil {
		t.cache(ctx, reading)
		fault.At(fault.ReadingKept)
	} else if b, err := t.runner.Repository.Batch(ctx, t.inflight.unit.Batch); err == nil {
		t.batch = b // options that a person changed during this attempt apply to it
	}
	jitter := t.runner.jitter
	if t.runner.behind(t.inflight.unit.Batch) == 0 { // nothing else is to be read meanwhile: a wait would only delay the end
		jitter = func(time.Duration) time.Duration { return 0 }
	}
	err := t.saveWithRetry(ctx, func(m *batch.Image) bool {
		wait = -1
		if !t.owns(m) {
			return false
		}
		now := time.Now().UTC()
		if failed == nil {
			t.complete(m, reading, now)
			return true
		}
		f := engine.AsFailure(failed)
		if t.started {
			endAttempt(m, f, now)
		} else if f.Why == engine.BadAnswer || f.Why == engine.Crashed {
			// Without this entry, an engine that fails before it begins would be retried for ever without a trace.
			m.Tries++
			m.Attempts = append(m.Attempts, batch.Attempt{N: m.Tries, Engine: t.readAs.Engine, Started: now})
			endAttempt(m, f, now)
		}
		wait = retryPolicy(t.batch, m, f, now, jitter, t.runner.offline())
		return true
	})
	if errs.Is(err, errs.NotFound) {
		t.purgeCache(ctx)
		return -1, nil
	}
	t.log(reading, failed, err)
	return wait, err
}

// saveWithRetry is change for a result that was paid for: while the store does not answer or is full, it retries with a backoff
// until the program shuts down.
func (t *attempt) saveWithRetry(ctx context.Context, f func(*batch.Image) bool) error {
	for wait := backoff; ; wait = min(2*wait, heartbeatEvery) {
		_, err := t.runner.update(ctx, t.inflight, f)
		if err == nil || !errs.Is(err, errs.Unavailable) && !errs.Is(err, errs.Full) {
			return err
		}
		t.runner.Log.Warn("what a try found could not be stored yet", "batch", t.inflight.unit.Batch, "image", t.inflight.n, "err", err)
		if !sleep(ctx, wait) {
			return err
		}
	}
}

func (t *attempt) complete(m *batch.Image, reading *engine.Reading, now time.Time) {
	m.Status, m.Failure, m.Ended, m.NotBefore, m.Rereading = batch.Completed, "", now, time.Time{}, false
	m.DuplicateOf, m.Lease, m.CachedFrom, m.Suspect, m.Typed = 0, batch.Lease{}, nil, nil, nil
	m.Columns, m.Rows, m.Text, m.Checks = reading.Columns, reading.Rows, clip(reading.Text, maxText), table.Checks
	m.Issues = append(append([]table.Issue{}, reading.Issues...), t.batch.Table.Check(reading.Columns, reading.Rows)...)
	if a := m.Last(); t.started && a != nil {
		a.Ended = now
		charge(a, reading.Usage, reading.Model)
		if reading.Key != "" {
			a.Key = reading.Key
		}
	}
}

// abort ends an attempt that was canceled because the program shuts down, or because its batch is paused or over. Such an
// attempt does not count against the image, the engine or a key.
func (t *attempt) abort(ctx context.Context) error {
	cause := ctx.Err()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWrite)
	defer cancel()
	_, err := t.runner.update(ctx, t.inflight, func(m *batch.Image) bool {
		if !t.owns(m) {
			return false
		}
		before := m.Status
		if t.started {
			endAttempt(m, &engine.Failure{Why: whyStopped, Message: "It was stopped; the image is read again.", Usage: t.spent}, time.Now().UTC())
		}
		m.Status = waitingStatus(m)
		return t.started || m.Status != before
	})
	if errs.Is(err, errs.NotFound) {
		t.purgeCache(ctx)
	} else if err != nil {
		t.runner.Log.Warn("a stopped try could not be written down", "batch", t.inflight.unit.Batch, "image", t.inflight.n, "err", err)
	}
	return cause
}

func (t *attempt) log(reading *engine.Reading, failed, err error) {
	log := t.runner.Log.With("batch", t.inflight.unit.Batch, "image", t.inflight.n, "try", t.tries, "engine", t.readAs.Engine)
	switch {
	case err != nil:
		log.Error("the outcome of a try could not be stored", "err", err)
	case failed != nil:
		f := engine.AsFailure(failed)
		log.Info("a try failed", "why", f.Why, "class", f.Class, "key", f.Key, "err", f.Err)
	default:
		log.Debug("an image was read", "rows", len(reading.Rows), "key", reading.Key)
	}
}

// outlive returns a context that ends stopWrite after ctx, so that the last write has its time when the program ends.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unwatch := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(stopWrite):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { unwatch(); cancel() }
}
