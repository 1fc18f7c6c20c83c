package batch

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"sheetlift/internal/table"
)

// Counts are the images of a batch by status, and the sums over them.
type Counts struct {
	Pending    int     `json:"pending"`
	Processing int     `json:"processing"`
	Retrying   int     `json:"retrying"`
	Completed  int     `json:"completed"`
	Failed     int     `json:"failed"`
	Canceled   int     `json:"canceled"`
	Rows       int     `json:"rows"`               // rows read
	Issues     int     `json:"issues"`             // doubts in them: see Doubt
	Checked    int     `json:"checked,omitempty"`  // completed images that a person confirmed
	Compared   int     `json:"compared,omitempty"` // completed images that need not be compared with a second reading any more
	FromCache  int     `json:"reused,omitempty"`   // completed images whose rows come from another reading of the picture
	Calls      int     `json:"calls"`              // attempts begun
	Tokens     int     `json:"tokens"`             // input and output, of the attempts kept
	USD        float64 `json:"usd"`                // cost of the calls with a known price
	Unpriced   int     `json:"unpriced"`           // calls with an unknown price
	Called     int     `json:"called,omitempty"`   // images with a call; older programs did not count them

	Working time.Duration `json:"working,omitempty"` // inside calls, of the attempts kept; older programs did not count it
	Exact   bool          `json:"exact,omitempty"`   // Issues includes the doubts that depend on other images
	Weighed bool          `json:"weighed,omitempty"` // Columns is set; older programs did not count it
	Checks  int           `json:"checks,omitempty"`  // the table.Checks under which Issues were counted
	Columns []table.Tally `json:"columns,omitempty"` // evidence in the values of each column, and ambiguous values: see Concluded
}

// WithColumnIssues returns c with Issues complete: it adds those that only whole columns of t reveal, and drops Columns.
func (c Counts) WithColumnIssues(t table.Table) Counts {
	if !t.Open && !c.Exact {
		for i, tally := range c.Columns[:min(len(c.Columns), len(t.Columns))] {
			c.Issues += t.Columns[i].Doubts(tally)
		}
	}
	c.Columns, c.Weighed, c.Checks = nil, false, 0
	return c
}

// addEvidence adds (by 1) or subtracts (by -1) the evidence of the columns of one image.
func (c *Counts) addEvidence(columns []table.Tally, by int) {
	if len(columns) == 0 {
		return
	}
	c.Columns = slices.Clone(c.Columns) // Counts are copied by value
	for len(c.Columns) < len(columns) {
		c.Columns = append(c.Columns, table.Tally{})
	}
	for i, tally := range columns {
		c.Columns[i].Add(tally, by)
	}
	for n := len(c.Columns); n > 0 && c.Columns[n-1].Empty(); n-- {
		c.Columns = c.Columns[:n-1]
	}
}

// UnmarshalJSON reads counts. In data from before unpriced calls were counted, a batch with a cost has none; one with tokens
// but no cost was billed at unknown prices.
func (c *Counts) UnmarshalJSON(data []byte) error {
	type plain Counts
	p := plain{Unpriced: -1}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	if p.Unpriced < 0 {
		p.Unpriced = unpricedBefore(p.USD, p.Tokens, p.Calls)
	}
	*c = Counts(p)
	return nil
}

// unpricedBefore returns the number of calls with an unknown price, for sums in which it was not counted.
func unpricedBefore(usd float64, tokens, calls int) int {
	if usd == 0 && tokens > 0 {
		return calls
	}
	return 0
}

// Total returns the number of images counted.
func (c Counts) Total() int {
	return c.Pending + c.Processing + c.Retrying + c.Completed + c.Failed + c.Canceled
}

// Done returns the number of final images.
func (c Counts) Done() int { return c.Completed + c.Failed + c.Canceled }

// Add adds one image, or subtracts it with by -1.
func (c *Counts) Add(f Figures, by int) {
	switch f.Status {
	case Processing:
		c.Processing += by
	case Retrying:
		c.Retrying += by
	case Completed:
		c.Completed += by
		c.Rows += by * f.Rows
		c.Issues += by * f.Issues
		c.addEvidence(f.Columns, by)
		if f.Checked {
			c.Checked += by
		}
		if f.Compared {
			c.Compared += by
		}
		if f.FromCache {
			c.FromCache += by
		}
	case Failed:
		c.Failed += by
	case Canceled:
		c.Canceled += by
	default:
		c.Pending += by
	}
	c.Calls += by * f.Calls
	c.Tokens += by * f.Tokens
	c.USD += float64(by) * f.USD
	c.Unpriced += by * f.Unpriced
	c.Working += time.Duration(by) * f.Working
	if f.Calls > 0 {
		c.Called += by
	}
}

// Figures is the contribution of one image to Counts.
type Figures struct {
	Status    Status
	Rows      int
	Issues    int // issues, without those that only whole columns reveal
	Columns   []table.Tally
	Checked   bool
	Compared  bool
	FromCache bool
	Calls     int
	Tokens    int
	USD       float64

	Unpriced int           // of Calls, those with an unknown price
	Working  time.Duration // inside the attempts that ended
}

// Figures returns the figures of m; t is the table of its batch.
func (m *Image) Figures(t table.Table) Figures {
	f := Figures{Status: m.Status, Rows: len(m.Rows), Columns: m.Evidence(t).Columns, Checked: m.IsChecked(), Compared: m.Compared() || m.needsNoWitness(), FromCache: m.FromCache(), Calls: m.Tries}
	f.Issues = m.doubtsAlone(t)
	for _, a := range m.Attempts {
		f.Tokens += a.Prompt + a.Output
		f.USD += a.USD
		if !a.Ended.IsZero() {
			f.Working += a.Ended.Sub(a.Started)
		}
		if a.Unpriced() {
			f.Unpriced++
		}
	}
	return f
}

// Outcome returns the status of a batch whose images are all final: failed only when none was read.
func (c Counts) Outcome() Status {
	switch {
	case c.Completed > 0:
		return Completed
	case c.Failed > 0:
		return Failed
	default:
		return Canceled
	}
}

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
		case m.Status == Completed && m.Typed == nil:
			at(m.Ended, engine).add(Day{Read: 1})
		case m.Status == Failed || m.Typed != nil:
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
