package web

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/views"
)

// estimate returns the expected time and cost of a draft with these settings, from what the same model read lately. The price
// is known only from images; the time, if there are none, from the calls that the keys remember.
func (s *Server) estimate(b *batch.Batch, images []*batch.Image, f columnsForm) batch.Estimate {
	engine, standard, err := s.readers.Choose(f.engine)
	if err != nil {
		return batch.Estimate{}
	}
	model, thinking := modelTyped(b, f)
	if standard == "" {
		model, thinking = "", ""
	}
	model = cmp.Or(model, standard)
	n := batch.ToRead(images)
	atOnce, err := strconv.Atoi(f.atOnce)
	if err != nil {
		atOnce = b.Options.AtOnce
	}
	var takes time.Duration
	var perMinute float64
	switch {
	case engine == offline:
		atOnce = min(atOnce, runtime.GOMAXPROCS(0)) // as many processes as the offline engine starts
	case s.pool != nil:
		takes, perMinute = s.pool.Outlook(model, time.Now())
	}
	atOnce = max(1, min(atOnce, n))
	e := s.progress.Lately(engine, model, thinking, f.table().Single).Estimate(n, atOnce, perMinute)
	if e.From == 0 && takes > 0 {
		e = progress.Lately{Images: 1, Calls: 1, Unpriced: 1, Working: takes}.Estimate(n, atOnce, perMinute)
		e.From = 0
	}
	if engine == offline {
		e.Priced, e.USD = true, 0
	}
	e.Model = model
	e.Busy = slices.ContainsFunc(s.progress.Overviews(), func(o progress.Overview) bool { return o.Batch.ID != b.ID && o.Batch.Reads() })
	return e
}

// modelTyped returns the model and its thinking level that the form chooses; "" is the default of the settings.
func modelTyped(b *batch.Batch, f columnsForm) (model, thinking string) {
	if f.model == nil {
		return b.Model, b.Thinking
	}
	model, thinking, _ = strings.Cut(*f.model, " ")
	return model, thinking
}

// presentEstimate returns an estimate for the pages, nil if there is none.
func presentEstimate(ctx context.Context, e *batch.Estimate, engine string, keys views.Ready) *views.Estimate {
	if e == nil || engine == "" {
		return nil
	}
	v := &views.Estimate{From: e.From, Took: e.Took, USD: e.USD, Priced: e.Priced, Busy: e.Busy, Reader: oneLine(e.Model), Paid: engine != offline}
	if v.Reader == "" {
		v.Reader = views.T(ctx, "engine."+engine)
	}
	v.NoKey = v.Paid && keys.Total > 0 && keys.Now == 0
	return v
}
