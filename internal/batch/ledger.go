package batch

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// LedgerKeep is how long daily figures are kept, independent of the life of their batches.
const LedgerKeep = 400 * 24 * time.Hour

// Ledger stores the daily figures of batches separately, so that they outlive the batches. Errors are those of Repository.
type Ledger interface {
	// Enter stores the days of a batch durably and replaces its former entry; entries expire after LedgerKeep.
	Enter(ctx context.Context, id ID, days []Day) error
	// Entered returns the days of all batches, in no order.
	Entered(ctx context.Context) ([]Day, error)
}

// Day is the sum of the work of one engine on one day, for one batch or for all.
type Day struct {
	Day       string  `json:"day"` // UTC date, such as 2026-11-25
	Engine    string  `json:"engine"`
	Read      int     `json:"read"`   // images completed
	FromCache int     `json:"reused"` // of those, completed from an earlier reading, at no cost
	Failed    int     `json:"failed"` // images that failed for good
	Calls     int     `json:"calls"`
	Tokens    int     `json:"tokens"` // input and output
	USD       float64 `json:"usd"`    // cost of the calls with a known price

	Unpriced int `json:"unpriced"` // calls with an unknown price
}

// UnmarshalJSON reads a day; a missing Unpriced is derived as for Counts.
func (d *Day) UnmarshalJSON(data []byte) error {
	type plain Day
	p := plain{Unpriced: -1}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	if p.Unpriced < 0 {
		p.Unpriced = unpricedBefore(p.USD, p.Tokens, p.Calls)
	}
	*d = Day(p)
	return nil
}

type dayKey struct{ day, engine string }

func (d *Day) add(more Day) {
	d.Read, d.FromCache, d.Failed = d.Read+more.Read, d.FromCache+more.FromCache, d.Failed+more.Failed
	d.Calls, d.Tokens, d.USD = d.Calls+more.Calls, d.Tokens+more.Tokens, d.USD+more.USD
	d.Unpriced += more.Unpriced
}

// days sums up the images of b: each attempt counts on the day on which it began, each image on the day on which it ended.
// Attempts beyond MaxAttempts, which an image no longer keeps, are not included.
func days(b *Batch, images []*Image) []Day {
	sums := map[dayKey]*Day{}
	at := func(t time.Time, engine string) *Day {
		key := dayKey{t.UTC().Format(time.DateOnly), engine}
		if sums[key] == nil {
			sums[key] = &Day{Day: key.day, Engine: key.engine}
		}
		return sums[key]
	}
	for _, m := range images {
		engine := b.Engine
		for _, a := range m.Attempts {
			engine = a.Engine
			call := Day{Calls: 1, Tokens: a.Prompt + a.Output, USD: a.USD}
			if a.Unpriced() {
				call.Unpriced = 1
			}
			at(a.Started, engine).add(call)
		}
		switch {
		case m.FromCache():
			at(m.Ended, engine).add(Day{Read: 1, FromCache: 1})
		case m.Status == Completed:
			at(m.Ended, engine).add(Day{Read: 1})
		case m.Status == Failed:
			at(m.Ended, engine).add(Day{Failed: 1})
		}
	}
	return sortDays(sums)
}

func sortDays(sums map[dayKey]*Day) []Day {
	all := make([]Day, 0, len(sums))
	for _, d := range sums {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(x, y Day) int { return cmp.Or(cmp.Compare(y.Day, x.Day), cmp.Compare(x.Engine, y.Engine)) })
	return all
}

// Days returns the figures of each engine on each day, newest day first, for the batches that have ended, whether or not they
// still exist.
func (s *Service) Days(ctx context.Context) ([]Day, error) {
	if s.ports.Ledger == nil {
		return nil, nil
	}
	entered, err := s.ports.Ledger.Entered(ctx)
	if err != nil {
		return nil, err
	}
	oldest := time.Now().UTC().Add(-LedgerKeep).Format(time.DateOnly)
	sums := map[dayKey]*Day{}
	for _, d := range entered {
		key := dayKey{d.Day, d.Engine}
		if d.Day < oldest {
			continue
		}
		if sums[key] == nil {
			sums[key] = &Day{Day: d.Day, Engine: d.Engine}
		}
		sums[key].add(d)
	}
	maps.DeleteFunc(sums, func(_ dayKey, d *Day) bool { return *d == Day{Day: d.Day, Engine: d.Engine} })
	return sortDays(sums), nil
}

// writeLedger writes the figures of a batch into the ledger. It runs before the batch ends and before it is erased, and may be
// repeated: a batch has one entry.
func (s *Service) writeLedger(ctx context.Context, b *Batch, images []*Image) error {
	if s.ports.Ledger == nil || b.Order == nil {
		return nil
	}
	return s.ports.Ledger.Enter(ctx, b.ID, days(b, images))
}
