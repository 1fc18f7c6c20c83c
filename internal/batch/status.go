package batch

import (
	"encoding/json"
	"slices"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Status is the status of an image or a batch. The words are stored and part of the API.
type Status string

// The statuses. An image uses Pending to Canceled except Paused; a batch uses all but Retrying.
const (
	Draft      Status = "draft"      // a batch that is being put together
	Scheduled  Status = "scheduled"  // a batch with a start time
	Pending    Status = "pending"    // queued
	Processing Status = "processing" // an image: waiting for its first call, or in it
	Paused     Status = "paused"     // a paused batch, see PauseReason
	Retrying   Status = "retrying"   // an image: waiting for a later attempt, or in it
	Completed  Status = "completed"  // a batch: ended, and at least one image was read
	Failed     Status = "failed"     // a batch: ended, and no image was read
	Canceled   Status = "canceled"
)

// PauseReason is the reason of a pause; only PausedByUser needs a person to resume.
type PauseReason string

// The reasons.
const (
	PausedByUser PauseReason = "user"
	PausedByKeys PauseReason = "keys"
	PausedByDisk PauseReason = "disk"
)

// Priority orders batches, and the images within a batch.
type Priority string

// The priorities. The zero value counts as Normal.
const (
	High   Priority = "high"
	Normal Priority = "normal"
	Low    Priority = "low"
)

// Level returns the rank of a priority: the higher one goes first, Normal is 0.
func (p Priority) Level() int {
	switch p {
	case High:
		return 1
	case Low:
		return -1
	default:
		return 0
	}
}

func (p Priority) check() error {
	if p != High && p != Normal && p != Low {
		return errs.New(errs.Invalid, "There is no priority %q. Choose high, normal or low.", p)
	}
	return nil
}

// imageNext maps each status of an image to the allowed next ones. Only a manual retry leads out of a final status.
var imageNext = map[Status][]Status{
	Draft:      {Pending},
	Pending:    {Processing, Retrying, Failed, Canceled},
	Processing: {Pending, Processing, Retrying, Completed, Failed, Canceled}, // Pending: returned before its first attempt
	Retrying:   {Processing, Retrying, Completed, Failed, Canceled},
	Completed:  {Retrying},
	Failed:     {Retrying, Canceled},
	Canceled:   {Retrying},
}

// batchNext is the same for a batch.
var batchNext = map[Status][]Status{
	Draft:      {Scheduled, Pending, Processing, Canceled},
	Scheduled:  {Draft, Pending, Processing, Canceled},
	Pending:    {Processing, Paused, Completed, Failed, Canceled},
	Processing: {Paused, Completed, Failed, Canceled},
	Paused:     {Paused, Pending, Processing, Completed, Failed, Canceled},
	Completed:  {Processing},
	Failed:     {Processing},
	Canceled:   {Processing},
}

// ImageMayBecome reports whether an image in status s may get status next.
func (s Status) ImageMayBecome(next Status) bool { return slices.Contains(imageNext[s], next) }

// BatchMayBecome reports whether a batch in status s may get status next.
func (s Status) BatchMayBecome(next Status) bool { return slices.Contains(batchNext[s], next) }

// Final reports whether the status only changes on request.
func (s Status) Final() bool { return s == Completed || s == Failed || s == Canceled }

// Active reports whether an image is in flight: begun and not final.
func (s Status) Active() bool { return s == Processing || s == Retrying }

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

// counted returns the counts of a batch as they are kept when it has ended.
func counted(b *Batch, images []*Image) *Counts {
	c := Counts{Weighed: true, Checks: table.Checks}
	for _, m := range images {
		c.Add(m.Figures(b.Table), 1)
	}
	c.Issues, c.Exact = CountDoubts(b, images), true
	return &c
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
	f := Figures{Status: m.Status, Rows: len(m.Rows), Columns: m.evidence(t).Columns, Checked: m.IsChecked(), Compared: m.Compared() || m.readOffline(), FromCache: m.FromCache(), Calls: m.Tries}
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
