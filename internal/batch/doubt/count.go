package doubt

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// Counted returns the counts of a batch as they are kept when it has ended.
func Counted(b *batch.Batch, images []*batch.Image) *batch.Counts {
	c := batch.Counts{Weighed: true, Checks: table.Checks}
	for _, m := range images {
		c.Add(m.Figures(b.Table), 1)
	}
	c.Issues, c.Exact = Count(b, images), true
	return &c
}

// The number of doubts of a batch depends on all its images: a value that comes twice is a doubt of both. An ended batch stores the
// number, which every edit counts anew and every comparison adjusts; for a batch that is still read it is counted on demand.

// Count marks the images of b with the issues that depend on each other, and returns the number of their doubts.
func Count(b *batch.Batch, images []*batch.Image) int {
	MarkDuplicates(batch.Judged(b, images), images)
	n := 0
	for _, m := range images {
		n += m.DoubtCount()
	}
	return n
}
