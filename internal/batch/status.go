package batch

import (
	"slices"

	"sheetlift/internal/errs"
)

// Status is where an image or a batch stands. The words are part of the API and stored.
type Status string

// The words. An image uses Pending to Canceled; a batch all but Retrying.
const (
	Draft      Status = "draft"      // a batch being put together
	Scheduled  Status = "scheduled"  // a batch that starts at a time
	Pending    Status = "pending"    // queued
	Processing Status = "processing" // an image: waiting for its first call, or in it
	Paused     Status = "paused"     // a batch that holds back, see PauseReason
	Retrying   Status = "retrying"   // an image: waiting for a later try, or in it
	Completed  Status = "completed"  // a batch: ended, and at least one image was read
	Failed     Status = "failed"     // a batch: ended, and no image was read
	Canceled   Status = "canceled"
)

// PauseReason says why a batch is paused; only a person's pause needs a person to end it.
type PauseReason string

// The reasons.
const (
	PausedByUser PauseReason = "user"
	PausedByKeys PauseReason = "keys"
	PausedByDisk PauseReason = "disk"
)

// Priority is who goes first, between batches and between the images of one.
type Priority string

// The priorities. The zero value counts as Normal.
const (
	High   Priority = "high"
	Normal Priority = "normal"
	Low    Priority = "low"
)

// Level orders priorities: the higher one goes first, Normal is 0.
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

// imageNext is the table of what may follow what for an image. A person's retry is what leads out of a final status.
var imageNext = map[Status][]Status{
	Draft:      {Pending},
	Pending:    {Processing, Retrying, Failed, Canceled},
	Processing: {Pending, Processing, Retrying, Completed, Failed, Canceled}, // Pending: given back before its first try
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

// Final reports whether nothing more happens by itself.
func (s Status) Final() bool { return s == Completed || s == Failed || s == Canceled }

// Active reports whether an image is in hand: begun and not final.
func (s Status) Active() bool { return s == Processing || s == Retrying }

// Counts is how many images of a batch stand where.
type Counts struct {
	Pending    int     `json:"pending"`
	Processing int     `json:"processing"`
	Retrying   int     `json:"retrying"`
	Completed  int     `json:"completed"`
	Failed     int     `json:"failed"`
	Canceled   int     `json:"canceled"`
	Rows       int     `json:"rows"`              // rows read
	Issues     int     `json:"issues"`            // doubts in them
	Checked    int     `json:"checked,omitempty"` // completed images that a person found right
	Reused     int     `json:"reused,omitempty"`  // completed images whose rows come from another reading of the picture
	Calls      int     `json:"calls"`             // tries begun
	Tokens     int     `json:"tokens"`            // in and out, of the attempts kept
	USD        float64 `json:"usd"`
}

// Total is the number of images counted.
func (c Counts) Total() int {
	return c.Pending + c.Processing + c.Retrying + c.Completed + c.Failed + c.Canceled
}

// Done is the number of images that are final.
func (c Counts) Done() int { return c.Completed + c.Failed + c.Canceled }

// Add counts one image in, or out again with by -1.
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
		if f.Checked {
			c.Checked += by
		}
		if f.Reused {
			c.Reused += by
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
}

// Figures is what one image adds to Counts.
type Figures struct {
	Status  Status
	Rows    int
	Issues  int
	Checked bool
	Reused  bool
	Calls   int
	Tokens  int
	USD     float64
}

// Figures sums m up.
func (m *Image) Figures() Figures {
	f := Figures{Status: m.Status, Rows: len(m.Rows), Issues: len(m.Issues), Checked: m.IsChecked(), Reused: m.Reused(), Calls: m.Tries}
	for _, a := range m.Attempts {
		f.Tokens += a.Prompt + a.Output
		f.USD += a.USD
	}
	return f
}

// Verdict is the status of a batch all of whose images are final: failed only when not one was read.
func (c Counts) Verdict() Status {
	switch {
	case c.Completed > 0:
		return Completed
	case c.Failed > 0:
		return Failed
	default:
		return Canceled
	}
}
