package batch

import (
	"cmp"
	"slices"
	"sync"

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

// WithEvidenceCache returns a copy of m that computes the evidence of its rows once, also for all copies of that copy.
func (m *Image) WithEvidenceCache() *Image {
	own := *m
	own.cache = new(evidenceCache)
	return &own
}

// Evidence returns the evidence that a completed image gives about the columns of its batch.
func (m *Image) Evidence(t table.Table) table.Evidence {
	switch {
	case m.Status != Completed:
		return table.Evidence{}
	case m.cache == nil:
		return t.Evidence(m.Rows)
	}
	m.cache.once.Do(func() { m.cache.evidence = t.Evidence(m.Rows) })
	return m.cache.evidence
}

// Overlooked returns the doubts about cells that today's rules have and m lacks, because an older program stored it.
func (m *Image) Overlooked(t table.Table) []table.Issue {
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
		sum.addEvidence(m.Evidence(b.Table).Columns, 1)
	}
	judged := *b
	judged.Table = b.Table.Concluded(sum.Columns)
	for _, m := range images {
		m.DropIssues(table.Issue.Superseded)
		m.AddIssues(m.Overlooked(b.Table))
		if open := m.Evidence(b.Table).Open; len(open) > 0 {
			m.AddIssues(judged.Table.OpenDoubts(m.Rows, open))
		}
	}
	return &judged
}

// DropIssues drops the matching issues.
func (m *Image) DropIssues(match func(table.Issue) bool) {
	if slices.ContainsFunc(m.Issues, match) {
		m.Issues = slices.DeleteFunc(slices.Clone(m.Issues), match)
	}
}

// ComputedOnRead reports whether an issue is computed on read rather than stored.
func ComputedOnRead(i table.Issue) bool { return i.Superseded() || i.Kind == table.KindDuplicate }

// asks reports whether an issue is a question. That an image was read offline is a note about all of it, and settled with it.
func asks(i table.Issue) bool { return i.Kind != table.KindOffline }

// DoubtCount returns the number of doubts of m: the places with an issue that asks. All issues about the image are one.
func (m *Image) DoubtCount() int {
	if m.Status != Completed {
		return 0
	}
	return len(m.DoubtPlaces())
}

// Place is a cell, a row or the image (Row -1), by index.
type Place struct{ Row, Column int }

// DoubtPlaces returns the issues that ask a person something, by place: each place is one doubt.
func (m *Image) DoubtPlaces() map[Place][]table.Issue {
	all := map[Place][]table.Issue{}
	for _, i := range m.Issues {
		if !asks(i) {
			continue
		}
		at := Place{i.Row, i.Column}
		if i.Row < 0 || i.Row >= len(m.Rows) {
			at = Place{-1, -1}
		}
		all[at] = append(all[at], i)
	}
	return all
}

// doubtsAlone returns the number of doubts that the rows of m have by themselves, without those that the whole column reveals.
func (m *Image) doubtsAlone(t table.Table) int {
	own := *m
	own.Issues = append(slices.DeleteFunc(slices.Clone(m.Issues), ComputedOnRead), m.Overlooked(t)...)
	return len(own.DoubtPlaces())
}

// AddIssues adds issues, sorted by cell.
func (m *Image) AddIssues(issues []table.Issue) {
	if len(issues) == 0 {
		return
	}
	m.Issues = append(m.Issues, issues...)
	slices.SortStableFunc(m.Issues, func(a, b table.Issue) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	})
}
