// Package upkeep checks the consistency of the stored data, and repairs leftovers of a crash. It is the single
// checker for the start of the program, the command doctor, and every test that breaks something.
package upkeep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/retention"
	"sheetlift/internal/batch/run"
)

// Deps are the ports of the stored data.
type Deps struct {
	Runs       *run.Service
	Retention  *retention.Service
	Repository batch.Repository
	Pictures   batch.Pictures
	Inventory  batch.Inventory
}

// Options set the extent of a check.
type Options struct {
	Repair bool // repair findings if possible, instead of only reporting them

	// All includes ended batches and the checksum of every picture; without it a check is cheap enough for a start.
	All bool

	// Before is the time before which data must have been stored to be swept: newer data may belong to an upload
	// under way. The zero value sweeps nothing.
	Before time.Time
}

// Kind is the severity of a finding.
type Kind string

// The kinds.
const (
	Orphan  Kind = "orphan"  // remains of an interrupted operation: harmless, and swept
	Stuck   Kind = "stuck"   // does not continue by itself: queued or ended again
	Corrupt Kind = "corrupt" // missing, damaged or contradictory: only a backup helps
)

// Finding is one violation of a rule.
type Finding struct {
	Kind     Kind
	Batch    batch.ID
	N        int    // image, or 0
	Text     string // the fault, a sentence without the batch's id
	Repaired string // the repair that was made, or ""
}

// String formats the finding as one line.
func (f Finding) String() string {
	where := "batch " + string(f.Batch)
	if f.N > 0 {
		where += fmt.Sprintf(", image %d", f.N)
	}
	line := fmt.Sprintf("%s: %s: %s", f.Kind, where, f.Text)
	if f.Repaired != "" {
		line += " " + f.Repaired
	}
	return line
}

// Report is the result of a check.
type Report struct {
	Batches, Images, Pictures, Units int // numbers checked
	Findings                         []Finding
}

// Count returns the number of findings of a kind that were not repaired.
func (r *Report) Count(k Kind) int {
	n := 0
	for _, f := range r.Findings {
		if f.Kind == k && f.Repaired == "" {
			n++
		}
	}
	return n
}

// Sound reports whether there are no unrepaired findings.
func (r *Report) Sound() bool { return r.Count(Orphan)+r.Count(Stuck)+r.Count(Corrupt) == 0 }

// Check checks all stored data. It returns an error only if the store fails or ctx ends; faults of the data are in
// the report. With Options.Repair it sweeps and queues, but sweeps nothing while anything is corrupt: an orphan may
// then be all that remains of something.
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
	if o.Repair {
		if err := c.repair(ctx); err != nil {
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
	report  *Report
	stored  map[batch.ID]*storedBatch
	repairs []repairStep
	resumed map[batch.ID]bool // batches whose work was queued again
}

// storedBatch lists the data stored under one batch.
type storedBatch struct {
	images   map[int]bool
	pictures map[string]batch.StoredPicture
	rows     []batch.StoredRows
	readings []batch.StoredReading
	units    []batch.Unit

	hasDocument bool         // the batch has a document
	deleted     bool         // its document was deleted
	unreadable  map[int]bool // images whose document is damaged
}

func index(s *batch.Stored) map[batch.ID]*storedBatch {
	all := map[batch.ID]*storedBatch{}
	of := func(id batch.ID) *storedBatch {
		if all[id] == nil {
			all[id] = &storedBatch{images: map[int]bool{}, pictures: map[string]batch.StoredPicture{}, unreadable: map[int]bool{}}
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

// repairStep repairs the finding at an index of the report; it returns the repair made, or "" if none was needed.
type repairStep struct {
	finding int
	repair  func(ctx context.Context) (string, error)
}

func (c *check) addFinding(k Kind, id batch.ID, n int, format string, args ...any) {
	c.report.Findings = append(c.report.Findings, Finding{Kind: k, Batch: id, N: n, Text: fmt.Sprintf(format, args...)})
}

// findRepairable adds a finding that can be repaired.
func (c *check) findRepairable(mend func(context.Context) (string, error), k Kind, id batch.ID, n int, format string, args ...any) {
	c.repairs = append(c.repairs, repairStep{len(c.report.Findings), mend})
	c.addFinding(k, id, n, format, args...)
}

// repair runs the repairs.
func (c *check) repair(ctx context.Context) error {
	broken := c.report.Count(Corrupt) > 0
	for _, r := range c.repairs {
		f := &c.report.Findings[r.finding]
		if f.Kind == Orphan && broken {
			continue
		}
		did, err := r.repair(ctx)
		if err != nil {
			return err
		}
		f.Repaired = did
	}
	return nil
}
