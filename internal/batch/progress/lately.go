package progress

import (
	"cmp"
	"slices"
	"time"

	"sheetlift/internal/batch"
)

const (
	// latelyImages is the number of images after which older batches say nothing about the present.
	latelyImages = 200
	// latelyFor is how long ago a batch may have begun.
	latelyFor = 30 * 24 * time.Hour
)

// Lately is the sum of the images that were read the same way: by one engine with one model.
type Lately struct {
	Images   int // completed or failed, without those that were completed with earlier readings
	Calls    int
	Tokens   int
	Unpriced int           // of Calls, those with an unknown price
	Working  time.Duration // inside attempts
	USD      float64
}

// Lately returns what the newest batches read with an engine, a model and its thinking level took; single is whether a picture
// is one row. Batches in which more images failed than were read are left out.
func (p *Progress) Lately(engine, model, thinking string, single bool) Lately {
	p.mu.Lock()
	defer p.mu.Unlock()
	var same []*batch.Batch
	for _, x := range p.batches {
		if x.Order != nil && x.Engine == engine && x.Model == model && x.Thinking == thinking && x.Table.Single == single && p.now().Sub(x.Started) < latelyFor {
			same = append(same, x)
		}
	}
	slices.SortFunc(same, func(x, y *batch.Batch) int { return cmp.Or(y.Started.Compare(x.Started), cmp.Compare(x.ID, y.ID)) })
	var l Lately
	for _, x := range same {
		if l.Images >= latelyImages {
			break
		}
		switch t := p.progress[x.ID]; {
		case x.Counts != nil:
			l.add(*x.Counts)
		case t != nil && t.loaded:
			l.add(t.counts)
		}
	}
	return l
}

// add adds the images of one batch. Counts of older programs have no working time and are left out.
func (l *Lately) add(c batch.Counts) {
	read := c.Completed - c.FromCache
	if read <= 0 || c.Failed > read || c.Working <= 0 {
		return
	}
	l.Images += read + c.Failed
	l.Calls, l.Tokens, l.Unpriced = l.Calls+c.Calls, l.Tokens+c.Tokens, l.Unpriced+c.Unpriced
	l.Working, l.USD = l.Working+c.Working, l.USD+c.USD
}

// Estimate returns the expected time and cost of n images, of which atOnce are read at once, at most perMinute calls a minute
// (0: no limit is known).
func (l Lately) Estimate(n, atOnce int, perMinute float64) batch.Estimate {
	e := batch.Estimate{Images: n, From: l.Images}
	if n <= 0 || l.Images == 0 {
		return e
	}
	share := float64(n) / float64(l.Images)
	each := float64(l.Working) / float64(l.Images)
	waves := 1.0
	if a := float64(max(atOnce, 1)); float64(n) > a { // while the last ones end, half of the other slots are empty on average
		waves = float64(n)/a + 0.5*(1-1/a)
	}
	e.Took = time.Duration(each * waves)
	if perMinute > 0 {
		calls := max(1, float64(l.Calls)/float64(l.Images)) * float64(n)
		e.Took = max(e.Took, time.Duration(calls/perMinute*float64(time.Minute)))
	}
	e.Priced, e.USD = l.Unpriced == 0, l.USD*share
	return e
}
