package batch

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// LedgerKeep is how long the figures of a day are kept, whatever becomes of its batches.
const LedgerKeep = 400 * 24 * time.Hour

// Ledger keeps the figures of batches apart from them, so that they outlive them. Errors are as those of Repository.
type Ledger interface {
	// Enter stores the days of a batch durably, in place of those it had entered; LedgerKeep later they are forgotten.
	Enter(ctx context.Context, id ID, days []Day) error
	// Entered returns the days of all batches, in no order.
	Entered(ctx context.Context) ([]Day, error)
}

// Day is what one engine did in a day, for one batch or for all.
type Day struct {
	Day    string  `json:"day"` // in UTC, as 2026-11-25
	Engine string  `json:"engine"`
	Read   int     `json:"read"`   // images that were completed
	Reused int     `json:"reused"` // of those, the ones that took what was read before, at no cost
	Failed int     `json:"failed"` // images that were given up
	Calls  int     `json:"calls"`
	Tokens int     `json:"tokens"` // in and out
	USD    float64 `json:"usd"`
}

type dayOf struct{ day, engine string }

func (d *Day) add(more Day) {
	d.Read, d.Reused, d.Failed = d.Read+more.Read, d.Reused+more.Reused, d.Failed+more.Failed
	d.Calls, d.Tokens, d.USD = d.Calls+more.Calls, d.Tokens+more.Tokens, d.USD+more.USD
}

// days sums the images of b up: each try on the day on which it began, each image on the day on which it ended. Tries that
// an image no longer keeps (MaxAttempts) are not in it.
func days(b *Batch, images []*Image) []Day {
	sums := map[dayOf]*Day{}
	at := func(t time.Time, engine string) *Day {
		key := dayOf{t.UTC().Format(time.DateOnly), engine}
		if sums[key] == nil {
			sums[key] = &Day{Day: key.day, Engine: key.engine}
		}
		return sums[key]
	}
	for _, m := range images {
		engine := b.Engine
		for _, a := range m.Attempts {
			engine = a.Engine
			at(a.Started, engine).add(Day{Calls: 1, Tokens: a.Prompt + a.Output, USD: a.USD})
		}
		switch {
		case m.Reused():
			at(m.Ended, engine).add(Day{Read: 1, Reused: 1})
		case m.Status == Completed:
			at(m.Ended, engine).add(Day{Read: 1})
		case m.Status == Failed:
			at(m.Ended, engine).add(Day{Failed: 1})
		}
	}
	return inTime(sums)
}

func inTime(sums map[dayOf]*Day) []Day {
	all := make([]Day, 0, len(sums))
	for _, d := range sums {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(x, y Day) int { return cmp.Or(cmp.Compare(y.Day, x.Day), cmp.Compare(x.Engine, y.Engine)) })
	return all
}

// Days returns what was read on each day by each engine, the newest day first, of the batches that have ended, whether or
// not they are still there.
func (s *Service) Days(ctx context.Context) ([]Day, error) {
	if s.ports.Ledger == nil {
		return nil, nil
	}
	entered, err := s.ports.Ledger.Entered(ctx)
	if err != nil {
		return nil, err
	}
	oldest := time.Now().UTC().Add(-LedgerKeep).Format(time.DateOnly)
	sums := map[dayOf]*Day{}
	for _, d := range entered {
		key := dayOf{d.Day, d.Engine}
		if d.Day < oldest {
			continue
		}
		if sums[key] == nil {
			sums[key] = &Day{Day: d.Day, Engine: d.Engine}
		}
		sums[key].add(d)
	}
	maps.DeleteFunc(sums, func(_ dayOf, d *Day) bool { return *d == Day{Day: d.Day, Engine: d.Engine} })
	return inTime(sums), nil
}

// enter writes the figures of a batch into the ledger. It is done before the batch ends and before it is erased, and may be
// repeated: a batch has one entry.
func (s *Service) enter(ctx context.Context, b *Batch, images []*Image) error {
	if s.ports.Ledger == nil || b.Order == nil {
		return nil
	}
	return s.ports.Ledger.Enter(ctx, b.ID, days(b, images))
}
