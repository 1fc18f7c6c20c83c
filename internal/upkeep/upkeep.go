// Package upkeep checks that what is stored fits together, and puts in order what a crash may leave behind. It is one
// checker for everybody: the start of the program, the command doctor, and every test that breaks something.
package upkeep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"sheetlift/internal/batch"
)

// Deps is what is checked.
type Deps struct {
	Batches    *batch.Service
	Repository batch.Repository
	Pictures   batch.Pictures
	Inventory  batch.Inventory
}

// Options say how far a check goes.
type Options struct {
	Mend bool // put in order what can be, instead of only naming it

	// All checks ended batches, too, and the checksum of every picture; without it a check costs little and is fit
	// for a start.
	All bool

	// Before is when whatever is looked at must have been stored to be swept: what is younger may belong to an upload
	// under way. The zero value sweeps nothing.
	Before time.Time
}

// Kind is how bad a finding is.
type Kind string

// The kinds.
const (
	Left    Kind = "left over" // of something that was cut off: harmless, and swept
	Stalled Kind = "stalled"   // would never go on by itself: queued or ended anew
	Broken  Kind = "broken"    // missing, damaged, or contradicting itself: only a backup helps
)

// Finding is one thing that is not as it must be.
type Finding struct {
	Kind   Kind
	Batch  batch.ID
	N      int    // image, or 0
	Text   string // what is wrong, a sentence without the batch's id
	Mended string // what was done about it, or ""
}

// String is the finding as one line.
func (f Finding) String() string {
	where := "batch " + string(f.Batch)
	if f.N > 0 {
		where += fmt.Sprintf(", image %d", f.N)
	}
	line := fmt.Sprintf("%s: %s: %s", f.Kind, where, f.Text)
	if f.Mended != "" {
		line += " " + f.Mended
	}
	return line
}

// Report is what a check saw and found.
type Report struct {
	Batches, Images, Pictures, Units int // looked at
	Findings                         []Finding
}

// Count is how many findings of a kind there are that were not mended.
func (r *Report) Count(k Kind) int {
	n := 0
	for _, f := range r.Findings {
		if f.Kind == k && f.Mended == "" {
			n++
		}
	}
	return n
}

// Sound reports whether nothing is broken and nothing waits to be mended.
func (r *Report) Sound() bool { return r.Count(Left)+r.Count(Stalled)+r.Count(Broken) == 0 }

// Check looks at everything that is stored. It returns an error only when the store does not answer or ctx ends; what
// is wrong stands in the report. With Options.Mend it sweeps and queues, but sweeps nothing while anything is broken:
// what looks left over may then be all that remains of something.
func Check(ctx context.Context, d Deps, o Options) (*Report, error) {
	stored, err := d.Inventory.Stored(ctx)
	if err != nil {
		return nil, err
	}
	c := &check{Deps: d, Options: o, report: &Report{Units: len(stored.Units)}, stored: index(stored), resumed: map[batch.ID]bool{}}
	slices.Sort(stored.Batches)
	for _, id := range stored.Batches {
		if err := c.batch(ctx, id); err != nil {
			return nil, err
		}
	}
	if err := c.withoutBatch(ctx); err != nil {
		return nil, err
	}
	if o.Mend {
		if err := c.mend(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(c.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Batch, b.Batch), cmp.Compare(a.N, b.N))
	})
	return c.report, nil
}

// check is one run of Check.
type check struct {
	Deps
	Options
	report   *Report
	stored   map[batch.ID]*held
	remedies []remedy
	resumed  map[batch.ID]bool // batches whose work was queued anew
}

// held is what is stored under one batch.
type held struct {
	images   map[int]bool
	pictures map[string]batch.StoredPicture
	rows     []batch.StoredRows
	readings []batch.StoredReading
	units    []batch.Unit

	seen       bool         // the batch has a document
	deleted    bool         // it had one
	unreadable map[int]bool // images whose document is damaged
}

func index(s *batch.Stored) map[batch.ID]*held {
	all := map[batch.ID]*held{}
	of := func(id batch.ID) *held {
		if all[id] == nil {
			all[id] = &held{images: map[int]bool{}, pictures: map[string]batch.StoredPicture{}, unreadable: map[int]bool{}}
		}
		return all[id]
	}
	for _, id := range s.Batches {
		of(id)
	}
	for id, ns := range s.Images {
		for _, n := range ns {
			of(id).images[n] = true
		}
	}
	for _, p := range s.Pictures {
		of(p.Batch).pictures[p.Key] = p
	}
	for _, r := range s.Rows {
		of(r.Batch).rows = append(of(r.Batch).rows, r)
	}
	for _, r := range s.Readings {
		of(r.Batch).readings = append(of(r.Batch).readings, r)
	}
	for _, u := range s.Units {
		of(u.Batch).units = append(of(u.Batch).units, u)
	}
	return all
}

// remedy mends one finding, by its place in the report; it returns what it did, or "" when there was nothing to do.
type remedy struct {
	finding int
	mend    func(ctx context.Context) (string, error)
}

func (c *check) find(k Kind, id batch.ID, n int, format string, args ...any) {
	c.report.Findings = append(c.report.Findings, Finding{Kind: k, Batch: id, N: n, Text: fmt.Sprintf(format, args...)})
}

// findAnd is find for what can be mended.
func (c *check) findAnd(mend func(context.Context) (string, error), k Kind, id batch.ID, n int, format string, args ...any) {
	c.remedies = append(c.remedies, remedy{len(c.report.Findings), mend})
	c.find(k, id, n, format, args...)
}

// mend does what can be done.
func (c *check) mend(ctx context.Context) error {
	broken := c.report.Count(Broken) > 0
	for _, r := range c.remedies {
		f := &c.report.Findings[r.finding]
		if f.Kind == Left && broken {
			continue
		}
		did, err := r.mend(ctx)
		if err != nil {
			return err
		}
		f.Mended = did
	}
	return nil
}
