package extract

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
	"sheetlift/internal/table"
)

// read is the life of one image, from a unit of work to its rows in the store. It returns nil when the unit is done
// with, whatever became of the image, and an error when the unit must be handed out again.
func (r *Runner) read(ctx context.Context, h *hand) error {
	for {
		if !r.becomes(ctx, h, waits) {
			return ctx.Err()
		}
		b, m, err := r.take(ctx, h)
		if err != nil || m == nil {
			return err
		}
		fault.At(fault.ImageTaken)
		try := &try{runner: r, batch: b, hand: h, tries: m.Tries, with: b.With(m)}
		if taken, err := try.reuse(ctx, m); taken || err != nil {
			return err
		}
		reading, err := try.run(ctx, m)
		fault.At(fault.TryRead)
		switch {
		case !r.becomes(ctx, h, settles):
			return try.stop(ctx)
		case try.unwritten != nil:
			return try.unwritten
		}
		again, err := try.finish(ctx, reading, err)
		fault.At(fault.TryKept)
		if err != nil || again < 0 {
			return err
		}
		if !pause(ctx, again) {
			return ctx.Err()
		}
	}
}

// take makes the unit ours: it drops one that is no longer valid (a nil image), counts a try that a crash cut off, and
// shows the image as being in hand.
func (r *Runner) take(ctx context.Context, h *hand) (*batch.Batch, *batch.Image, error) {
	b, err := r.Repository.Batch(ctx, h.unit.Batch)
	if errs.Is(err, errs.NotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if b.Status == batch.Paused && !b.Over() {
		return nil, nil, errHeld
	}
	valid := false
	m, err := r.change(ctx, h, func(m *batch.Image) bool {
		valid = !b.Over() && m.MayTake(h.unit)
		if !valid {
			return false
		}
		crashed := cutOff(m, time.Now().UTC())
		if m.Crashes >= maxCrashes {
			valid = false
			fail(m, "Reading this picture stopped the program three times, so it was set aside. "+
				"Check the picture, or take a new photo of the sheet; you can retry it.", time.Now().UTC())
			return true
		}
		status := batch.Processing
		if m.Tries > 0 {
			status = batch.Retrying
		}
		changed := crashed || m.Status != status || !m.NotBefore.IsZero() || m.Turn != h.unit.Turn()
		m.Status, m.NotBefore, m.Turn = status, time.Time{}, h.unit.Turn()
		return changed
	})
	if errs.Is(err, errs.NotFound) || err == nil && !valid {
		return nil, nil, nil
	}
	return b, m, err
}

// change applies f to the stored image in hand until the swap succeeds; f returns false to leave it. What it found is
// learned at once, so that nobody here picks an image again that is not to be had.
func (r *Runner) change(ctx context.Context, h *hand, f func(*batch.Image) bool) (*batch.Image, error) {
	for {
		m, err := r.Repository.Image(ctx, h.unit.Batch, h.n)
		if err != nil {
			r.forget(h, err)
			return nil, err
		}
		before := m.Status
		if !f(m) {
			r.learn(m)
			return m, nil
		}
		if m.Status != before && !before.ImageMayBecome(m.Status) {
			return nil, fmt.Errorf("image %d of batch %s is %s and cannot become %s", m.N, m.Batch, before, m.Status)
		}
		err = r.Repository.SaveImage(ctx, m)
		if err == nil {
			r.Batches.Stored(before, m)
			r.learn(m)
		}
		if !errs.Is(err, errs.Conflict) || ctx.Err() != nil {
			return m, err
		}
	}
}

// try is one try at an image. Its writes are fenced by the turn and by the number of the try: once somebody else has
// taken the image over, what this one found is dropped.
type try struct {
	runner    *Runner
	batch     *batch.Batch
	hand      *hand
	with      batch.With // who reads
	tries     int        // the number of this try, once begun; before, of those made
	begun     bool       // the attempt is written down
	question  string     // what is asked, as a digest; "" when no other reading can answer it
	unwritten error      // why the attempt could not be written down: the store's fault, nobody else's
}

// run asks the engine.
func (t *try) run(ctx context.Context, m *batch.Image) (reading *engine.Reading, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.runner.Log.Error("an engine panicked", "engine", t.with.Engine, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			reading, err = nil, &engine.Failure{Why: engine.Crashed, Message: "The reading stopped unexpectedly."}
		}
	}()
	eng, ok := t.runner.Engines[t.with.Engine]
	if !ok {
		return nil, &engine.Failure{Why: engine.Unavailable, Message: unavailable(t.with.Engine)}
	}
	// What a person had read before the start is paid for already, and becomes this try.
	if m.Tries == 0 {
		if reading := t.runner.Samples.take(m, t.batch.Table, t.with.Engine, t.with.Model); reading != nil {
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
		Batch: string(m.Batch), Priority: int(t.hand.priority), Picture: picture, MIME: m.Picture.MIME, Width: m.Picture.Width, Height: m.Picture.Height,
		Table: t.batch.Table, Model: t.with.Model, Begin: t.begin,
	}
	for _, a := range m.Attempts {
		req.Previous = append(req.Previous, engine.Past{Why: engine.Why(a.Why), Key: a.Key})
	}
	return eng.Read(ctx, req)
}

// begin writes the attempt down before anything is paid for.
func (t *try) begin(ctx context.Context, key string) error {
	if !t.runner.becomes(ctx, t.hand, reads) {
		return context.Cause(ctx)
	}
	mine := false
	_, err := t.runner.change(ctx, t.hand, func(m *batch.Image) bool {
		if mine = t.owns(m); !mine {
			return false
		}
		m.Tries++
		m.Attempts = append(m.Attempts, batch.Attempt{
			N: m.Tries, Engine: t.with.Engine, Model: t.with.Model, Key: key, Started: time.Now().UTC(),
		})
		if drop := len(m.Attempts) - batch.MaxAttempts; drop > 0 {
			m.Attempts = m.Attempts[drop:]
		}
		return true
	})
	if err != nil {
		t.unwritten = err
		return err
	}
	if !mine {
		return errLost
	}
	fault.At(fault.TryBegun)
	t.tries, t.begun = t.tries+1, true
	return nil
}

// owns reports whether the image is still this try's.
func (t *try) owns(m *batch.Image) bool {
	return m.Turn == t.hand.unit.Turn() && m.Tries == t.tries && !m.Status.Final()
}

// finish writes down what became of the try: rows and status in one swap. It returns how long to wait before the next
// try in the same hands, or a negative time when the unit is done with.
func (t *try) finish(ctx context.Context, reading *engine.Reading, failed error) (time.Duration, error) {
	again := time.Duration(-1)
	if failed == nil {
		t.remember(ctx, reading)
		fault.At(fault.ReadingKept)
	} else if b, err := t.runner.Repository.Batch(ctx, t.hand.unit.Batch); err == nil {
		t.batch = b // what a person chose while this try ran holds for it
	}
	err := t.keep(ctx, func(m *batch.Image) bool {
		again = -1
		if !t.owns(m) {
			return false
		}
		now := time.Now().UTC()
		if failed == nil {
			t.complete(m, reading, now)
			return true
		}
		f := engine.AsFailure(failed)
		if t.begun {
			endAttempt(m, f, now)
		} else if f.Why == engine.BadAnswer || f.Why == engine.Crashed {
			// An engine that failed before it began would otherwise be tried for ever without a trace.
			m.Tries++
			m.Attempts = append(m.Attempts, batch.Attempt{N: m.Tries, Engine: t.with.Engine, Started: now})
			endAttempt(m, f, now)
		}
		again = judge(t.batch, m, f, now, t.runner.jitter, t.runner.offline())
		return true
	})
	if errs.Is(err, errs.NotFound) {
		t.forget(ctx)
		return -1, nil
	}
	t.log(reading, failed, err)
	return again, err
}

// keep is change for what was paid for: while the store does not answer or is full, it goes on trying, until the
// program ends.
func (t *try) keep(ctx context.Context, f func(*batch.Image) bool) error {
	for wait := backoff; ; wait = min(2*wait, heartbeat) {
		_, err := t.runner.change(ctx, t.hand, f)
		if err == nil || !errs.Is(err, errs.Unavailable) && !errs.Is(err, errs.Full) {
			return err
		}
		t.runner.Log.Warn("what a try found could not be stored yet", "batch", t.hand.unit.Batch, "image", t.hand.n, "err", err)
		if !pause(ctx, wait) {
			return err
		}
	}
}

func (t *try) complete(m *batch.Image, reading *engine.Reading, now time.Time) {
	m.Status, m.Failure, m.Ended, m.NotBefore, m.Again = batch.Completed, "", now, time.Time{}, false
	m.Twin, m.Turn, m.Earlier = 0, batch.Turn{}, nil
	m.Columns, m.Rows, m.Text = reading.Columns, reading.Rows, clip(reading.Text, maxText)
	m.Issues = append(append([]table.Issue{}, reading.Issues...), t.batch.Table.Check(reading.Columns, reading.Rows)...)
	if a := m.Last(); t.begun && a != nil {
		a.Ended, a.Model = now, reading.Model
		a.Prompt, a.Output, a.USD = reading.Usage.PromptTokens, reading.Usage.OutputTokens, reading.Usage.USD
		if reading.Key != "" {
			a.Key = reading.Key
		}
	}
}

// stop ends a try that was cut off because the program ends, or its batch is held back or over: it counts against nobody.
func (t *try) stop(ctx context.Context) error {
	cause := ctx.Err()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWrite)
	defer cancel()
	_, err := t.runner.change(ctx, t.hand, func(m *batch.Image) bool {
		if !t.owns(m) {
			return false
		}
		before := m.Status
		if t.begun {
			endAttempt(m, &engine.Failure{Why: whyStopped, Message: "It was stopped; the image is read again."}, time.Now().UTC())
		}
		m.Status = batch.Retrying
		if m.Tries == 0 && !m.Again {
			m.Status = batch.Pending
		}
		return t.begun || m.Status != before
	})
	if err != nil {
		t.runner.Log.Warn("a stopped try could not be written down", "batch", t.hand.unit.Batch, "image", t.hand.n, "err", err)
	}
	return cause
}

func (t *try) log(reading *engine.Reading, failed, err error) {
	log := t.runner.Log.With("batch", t.hand.unit.Batch, "image", t.hand.n, "try", t.tries, "engine", t.with.Engine)
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
