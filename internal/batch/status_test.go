package batch_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

var statuses = []batch.Status{
	batch.Draft, batch.Scheduled, batch.Pending, batch.Processing, batch.Paused, batch.Retrying, batch.Completed, batch.Failed, batch.Canceled,
}

func TestTheStatusTables(t *testing.T) {
	t.Parallel()
	image := map[batch.Status]string{
		batch.Pending: "processing retrying failed canceled", batch.Processing: "pending processing retrying completed failed canceled",
		batch.Retrying: "processing retrying completed failed canceled", batch.Completed: "retrying",
		batch.Failed: "retrying completed canceled", batch.Canceled: "retrying completed", batch.Draft: "pending",
	}
	for from, want := range image {
		var got string
		for _, to := range []batch.Status{batch.Pending, batch.Processing, batch.Retrying, batch.Completed, batch.Failed, batch.Canceled} {
			if from.ImageMayBecome(to) {
				got += " " + string(to)
			}
		}
		if got != " "+want {
			t.Errorf("an image that is %s may become%s, want %s", from, got, want)
		}
	}
	for _, s := range statuses {
		if s.Final() && s.Active() {
			t.Errorf("%s is final and active", s)
		}
		if s != batch.Draft && s.BatchMayBecome(batch.Draft) && s != batch.Scheduled {
			t.Errorf("a batch that is %s may become a draft again", s)
		}
	}
}

func TestCountsAddUpWhateverTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c batch.Counts
		figures := rapid.SliceOf(rapid.Custom(func(t *rapid.T) batch.Figures {
			return batch.Figures{
				Status: rapid.SampledFrom(statuses).Draw(t, "status"), Rows: rapid.IntRange(0, 50).Draw(t, "rows"),
				Columns: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) table.Tally {
					return table.Tally{Comma: rapid.IntRange(0, 2).Draw(t, "comma"), Marks: rapid.IntRange(0, 2).Draw(t, "marks"), Units: rapid.SampledFrom([]table.Units{nil, {"EUR": 2}, {"EUR": 1, "kg": 1}}).Draw(t, "units")}
				}), 0, 3).Draw(t, "columns"),
				Issues: rapid.IntRange(0, 9).Draw(t, "issues"), Calls: rapid.IntRange(0, 9).Draw(t, "calls"), Tokens: rapid.IntRange(0, 99).Draw(t, "tokens"),
			}
		})).Draw(t, "figures")
		for _, f := range figures {
			c.Add(f, 1)
		}
		if c.Total() != len(figures) {
			t.Fatalf("%d counted, %d given", c.Total(), len(figures))
		}
		for _, i := range rapid.Permutation(figures).Draw(t, "out") {
			c.Add(i, -1)
		}
		if len(c.Columns) == 0 {
			c.Columns = nil
		}
		if !reflect.DeepEqual(c, batch.Counts{}) {
			t.Fatalf("%+v is left", c)
		}
	})
}
