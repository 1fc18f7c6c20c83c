package gemini

import (
	"context"

	"sheetlift/internal/engine"
	"sheetlift/internal/keypool"
)

// result is one call with the meaning of its answer.
type result struct {
	lease    *keypool.Lease
	answer   *callResult
	reading  *engine.Reading // nil unless found.class is OK
	found    finding
	panicked any
}

// calls makes the call of a lease and, when the pool yields a second lease because the first call is late, the same call with
// that one. The first usable answer counts; the other call is canceled. It releases every lease but the one of the result,
// and returns when no call runs any more. spent is the cost of the other call, as far as the service told.
func (e *Engine) calls(ctx context.Context, lease *keypool.Lease, model string, req engine.Request, encoded []byte) (one *result, spent engine.Usage) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results, running := make(chan *result), 0
	start := func(l *keypool.Lease) {
		running++
		go func() { results <- e.tryOnce(ctx, l, model, req, encoded) }() // owned: its result is awaited below
	}
	start(lease)
	for second := lease.Second(); running > 0; {
		select {
		case l := <-second:
			second = nil
			start(l)
		case r := <-results:
			running--
			switch {
			case one == nil && (running == 0 || r.found.class == keypool.OK):
				one = r
				cancel()
			case one != nil: // too late, and billed if it was answered
				spent = spent.Plus(e.usage(r.answer, model))
				r.lease.Release(keypool.Outcome{Class: keypool.Canceled})
			default: // the other call may still succeed
				spent = spent.Plus(e.usage(r.answer, model))
				r.lease.Release(e.released(ctx, r))
			}
		}
	}
	if one.panicked != nil {
		one.lease.Release(keypool.Outcome{Class: keypool.Canceled})
		panic(one.panicked)
	}
	return one, spent
}

// released returns the outcome of a call that failed while another one ran.
func (e *Engine) released(ctx context.Context, r *result) keypool.Outcome {
	if ctx.Err() != nil || r.panicked != nil {
		return keypool.Outcome{Class: keypool.Canceled}
	}
	return e.outcome(r.lease, r.answer, r.found)
}

// tryOnce makes one call and interprets its answer. The bytes of the answer are not opened any more when it returns.
func (e *Engine) tryOnce(ctx context.Context, lease *keypool.Lease, model string, req engine.Request, encoded []byte) (r *result) {
	r = &result{lease: lease, answer: &callResult{wire: &exchange{}}, found: finding{class: keypool.BadAnswer}}
	defer func() { r.panicked = recover() }() // goes on where the engine was called
	r.answer = e.call(ctx, lease, model, req, encoded)
	defer r.answer.wire.endSection()
	if ctx.Err() == nil {
		r.reading, r.found = e.interpret(req.Table, r.answer)
	}
	return r
}
