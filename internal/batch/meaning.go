package batch

import (
	"context"
	"slices"
	"sync"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// The meaning of "1,250" or "03/04/2024" is decided for the whole column of a batch: see table.Meaning. Like duplicates it is
// never stored with the images, because another image may prove the contrary or be read again; it is computed from the rows on
// every read.

// evidenceCache caches the evidence that follows from the rows of an image, for all copies of that image.
type evidenceCache struct {
	once     sync.Once
	evidence table.Evidence
	recheck  sync.Once
	doubts   []table.Issue // of an image stored under older rules: those of today's
}

// withEvidenceCache returns a copy of m that computes the evidence of its rows once, also for all copies of that copy.
func (m *Image) withEvidenceCache() *Image {
	own := *m
	own.cache = new(evidenceCache)
	return &own
}

// evidence returns the evidence that a completed image gives about the columns of its batch.
func (m *Image) evidence(t table.Table) table.Evidence {
	switch {
	case m.Status != Completed:
		return table.Evidence{}
	case m.cache == nil:
		return t.Evidence(m.Rows)
	}
	m.cache.once.Do(func() { m.cache.evidence = t.Evidence(m.Rows) })
	return m.cache.evidence
}

// overlooked returns the doubts about cells that today's rules have and m lacks, because an older program stored it.
func (m *Image) overlooked(t table.Table) []table.Issue {
	if m.Status != Completed || m.Checks >= table.Checks || len(m.Rows) == 0 {
		return nil
	}
	cache := m.cache
	if cache == nil {
		cache = new(evidenceCache)
	}
	cache.recheck.Do(func() { cache.doubts = t.Check(m.Columns, m.Rows) })
	type place struct {
		row, column int
		kind        string
	}
	has := map[place]bool{}
	for _, i := range m.Issues {
		has[place{i.Row, i.Column, i.Kind}] = true
	}
	var all []table.Issue
	for _, i := range cache.doubts {
		if i.Row >= 0 && !has[place{i.Row, i.Column, i.Kind}] {
			all = append(all, i)
		}
	}
	return all
}

// Judged returns a read-only copy of b whose columns know the meaning of their ambiguous values. Every cell whose meaning
// neither a person nor the column settles gets an issue; old issues of this kind are dropped first. So does every cell that
// breaks a rule of today and was stored before there was such a rule. images are those of b.
func Judged(b *Batch, images []*Image) *Batch {
	var sum Counts
	for _, m := range images {
		sum.addEvidence(m.evidence(b.Table).Columns, 1)
	}
	judged := *b
	judged.Table = b.Table.Concluded(sum.Columns)
	for _, m := range images {
		m.dropIssues(table.Issue.Superseded)
		m.addIssues(m.overlooked(b.Table))
		if open := m.evidence(b.Table).Open; len(open) > 0 {
			m.addIssues(judged.Table.OpenDoubts(m.Rows, open))
		}
	}
	return &judged
}

// Mark adds to one image, in the caller's version, the issues that depend on the other images of the batch. It returns the
// batch as Judged does.
func (s *Service) Mark(ctx context.Context, b *Batch, m *Image) (*Batch, error) {
	if !b.Table.Open && len(b.Table.Unique(nil)) == 0 && !b.Table.Weighs() {
		m.dropIssues(table.Issue.Superseded)
		m.addIssues(m.overlooked(b.Table))
		return b, nil
	}
	images, err := s.list(ctx, b)
	if err != nil {
		return nil, err
	}
	for i := range images {
		if images[i].N == m.N {
			images[i] = m
		}
	}
	judged := Judged(b, images)
	markDuplicatesOf(b, images, m)
	return judged, nil
}

// dropIssues drops the matching issues.
func (m *Image) dropIssues(match func(table.Issue) bool) {
	if slices.ContainsFunc(m.Issues, match) {
		m.Issues = slices.DeleteFunc(slices.Clone(m.Issues), match)
	}
}

// computedOnRead reports whether an issue is computed on read rather than stored.
func computedOnRead(i table.Issue) bool { return i.Superseded() || i.Kind == table.KindDuplicate }

// SetDecimal sets the meaning of 1,250 in a column of numbers, at any time: a decimal mark, or NoMark to follow the evidence in
// its values. Values that a person typed or accepted stay as they are.
func (s *Service) SetDecimal(ctx context.Context, id ID, column string, mark table.Mark) (*Batch, error) {
	return s.Set(ctx, id, Settings{Decimal: map[string]table.Mark{column: mark}})
}

func setDecimal(b *Batch, column string, mark table.Mark) (changed bool, err error) {
	i := slices.IndexFunc(b.Table.Columns, func(c table.Column) bool { return c.Name == column && c.Type == table.Number })
	if i < 0 {
		return false, errs.New(errs.Invalid, "There is no such column of numbers. Reload the page and try again.")
	}
	if b.Table.Columns[i].Decimal == mark {
		return false, nil
	}
	b.Table.Columns = slices.Clone(b.Table.Columns)
	b.Table.Columns[i].Decimal = mark
	return true, b.Table.Validate()
}

// OpenMark is a number column with values that mean one number with a decimal comma and another with a decimal point, where no
// other value proves one of the two, or where the others disprove the mark that a person chose.
type OpenMark struct {
	Column       string
	Cells        int        // number of ambiguous cells
	Example      string     // one of them
	Comma, Point string     // its number with each mark
	Said         table.Mark // the mark that a person chose; NoMark means undecided
	Disproved    bool       // other values disprove the chosen mark: the cells are in doubt
}

// OpenMarks returns the open columns of a judged batch.
func OpenMarks(b *Batch, images []*Image) []OpenMark {
	all := make([]OpenMark, len(b.Table.Columns))
	for _, m := range images {
		for _, at := range m.evidence(b.Table).Open {
			c := b.Table.Columns[at.Column]
			if c.Type != table.Number || c.Concluded.Mark != table.NoMark && !c.Disproved() {
				continue
			}
			text := m.Rows[at.Row].Cells[at.Column].Text
			comma, _ := table.ParseNumber(text, table.CommaMark)
			point, _ := table.ParseNumber(text, table.PointMark)
			if comma.Text == point.Text {
				continue
			}
			if o := &all[at.Column]; o.Cells == 0 {
				*o = OpenMark{Column: c.Name, Cells: 1, Example: text, Comma: comma.Text, Point: point.Text, Said: c.Decimal, Disproved: c.Disproved()}
			} else {
				o.Cells++
			}
		}
	}
	return slices.DeleteFunc(all, func(o OpenMark) bool { return o.Cells == 0 })
}
