package metrics

import (
	"cmp"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/progress"
)

// withKeys is the engine that uses keys.
const withKeys = "gemini"

// readWithKeys returns the number of images read with calls of the pool.
func readWithKeys(ended map[batch.End]uint64) uint64 {
	return ended[batch.End{Result: batch.EndRead, Engine: withKeys}]
}

// images sets the counters of finished images. All series exist from the start.
func (t scrape) images(ended map[batch.End]uint64, engines []string) {
	ends := map[batch.End]uint64{{Result: batch.EndFromCache}: 0, {Result: batch.EndTyped}: 0}
	for _, engine := range engines {
		for _, result := range []string{batch.EndRead, batch.EndFailed, batch.EndCanceled} {
			ends[batch.End{Result: result, Engine: engine}] = 0
		}
	}
	for end, n := range ended {
		ends[end] = n
	}
	for end, n := range ends {
		t.set(images, float64(n), end.Result, cmp.Or(end.Engine, "none"))
	}
}

func (t scrape) uploads(s draft.Stats) {
	for _, result := range []string{draft.UploadAccepted, draft.UploadRefused, draft.UploadFailed} {
		t.set(uploads, float64(s.Uploads[result]), result)
	}
	t.set(uploading, float64(s.Uploading))
	t.set(uploadBytes, float64(s.UploadBytes))
	t.set(arrived, float64(s.Arrived))
}

// progress sets the gauges of stored batches and their images.
func (t scrape) progress(all []progress.Overview) {
	byStatus := map[batch.Status]int{}
	var sum batch.Counts
	for _, o := range all {
		byStatus[o.Batch.Status]++
		if o.Batch.Total() == 0 {
			continue
		}
		sum.Pending += o.Counts.Pending
		sum.Processing += o.Counts.Processing
		sum.Retrying += o.Counts.Retrying
		sum.Completed += o.Counts.Completed
		sum.Failed += o.Counts.Failed
		sum.Canceled += o.Counts.Canceled
	}
	for _, s := range []batch.Status{
		batch.Draft, batch.Scheduled, batch.Pending, batch.Processing, batch.Paused, batch.Completed, batch.Failed, batch.Canceled,
	} {
		t.set(batches, float64(byStatus[s]), string(s))
	}
	for s, n := range map[batch.Status]int{
		batch.Pending: sum.Pending, batch.Processing: sum.Processing, batch.Retrying: sum.Retrying,
		batch.Completed: sum.Completed, batch.Failed: sum.Failed, batch.Canceled: sum.Canceled,
	} {
		t.set(batchImages, float64(n), string(s))
	}
}
