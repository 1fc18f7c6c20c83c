package metrics

import (
	"sheetlift/internal/batch"
)

// withKeys is the engine that calls with keys.
const withKeys = "gemini"

// readWithKeys is how many images were read with calls of the pool.
func readWithKeys(s batch.Stats) uint64 {
	return s.Ended[batch.End{Result: batch.EndRead, Engine: withKeys}]
}

// images tells what became of images. Series that may come are there from the start.
func (t teller) images(s batch.Stats, engines []string) {
	ends := map[batch.End]uint64{{Result: batch.EndReused}: 0}
	for _, engine := range engines {
		for _, result := range []string{batch.EndRead, batch.EndFailed, batch.EndCanceled} {
			ends[batch.End{Result: result, Engine: engine}] = 0
		}
	}
	for end, n := range s.Ended {
		ends[end] = n
	}
	for end, n := range ends {
		t.set(images, float64(n), end.Result, end.Engine)
	}
}

func (t teller) uploads(s batch.Stats) {
	for _, result := range []string{batch.UploadTaken, batch.UploadRefused, batch.UploadFailed} {
		t.set(uploads, float64(s.Uploads[result]), result)
	}
	t.set(uploading, float64(s.Uploading))
	t.set(uploadBytes, float64(s.UploadBytes))
	t.set(arrived, float64(s.Arrived))
}

// board tells where the stored batches and their images stand.
func (t teller) board(all []batch.Overview) {
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
