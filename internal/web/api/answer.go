package api

import (
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/table"
)

// status is the response of GET /batch-status/{job_id}.
type status struct {
	Success   bool         `json:"success"`
	JobID     batch.ID     `json:"job_id"`
	Status    batch.Status `json:"status"`
	Total     int          `json:"total_images"`
	Completed int          `json:"completed_images"`
	Failed    int          `json:"failed_images"`
	Cached    int          `json:"cached_images"`       // completed images that cost nothing because the same picture was read before
	Progress  float64      `json:"progress_percentage"` // 0 to 100
	CreatedAt string       `json:"created_at"`          // RFC 3339
	EndedAt   *string      `json:"completed_at"`        // null while it runs
	Error     *string      `json:"error_message"`       // the reason why the batch failed as a whole, otherwise null
}

// Clients of the first version know no canceled batch and no canceled image: they wait until one is completed or failed.
const (
	batchCanceled = "The batch was canceled. What was read until then stands in the results."
	imageCanceled = "It was canceled before it was read."
)

// firstStatus returns s as the first version names it, and a reason if that is not s.
func firstStatus(s batch.Status, why string) (batch.Status, *string) {
	if s == batch.Canceled {
		return batch.Failed, &why
	}
	return s, nil
}

func newStatus(o progress.Overview) status {
	s := status{
		Success: true, JobID: o.Batch.ID, Total: o.Images,
		Completed: o.Counts.Completed, Failed: o.Counts.Failed, Cached: o.Counts.FromCache, CreatedAt: o.Batch.Created.Format(time.RFC3339Nano),
	}
	s.Status, s.Error = firstStatus(o.Batch.Status, batchCanceled)
	if o.Images > 0 {
		s.Progress = float64(o.Counts.Done()*1000/o.Images) / 10
	}
	if !o.Batch.Ended.IsZero() {
		at := o.Batch.Ended.Format(time.RFC3339Nano)
		s.EndedAt = &at
	}
	return s
}

// results is the response of GET /batch-results/{job_id}.
type results struct {
	status
	Results []result `json:"results"`
}

type result struct {
	ID         string              `json:"id"`
	Filename   string              `json:"filename"`
	Name       string              `json:"name"`
	Status     batch.Status        `json:"status"`
	Text       string              `json:"extracted_text"`
	Table      []map[string]string `json:"table_data"`
	Error      *string             `json:"error_message"`
	Seconds    float64             `json:"processing_time"`
	RetryCount int                 `json:"retry_count"`
	Key        *string             `json:"api_key_used"` // a label such as "key 2", never the key
	Engine     *string             `json:"engine"`       // engine of the last attempt; "cache" if the rows come from another reading of the picture; null before the first attempt
	ReadAt     *string             `json:"read_at"`      // RFC 3339: time of the reading for an earlier batch that the rows come from, otherwise null
}

func newResults(o progress.Overview, images []*batch.Image) results {
	r := results{status: newStatus(o), Results: make([]result, 0, len(images))}
	now := time.Now()
	for _, m := range images {
		one := result{
			ID: m.UploadID(), Filename: m.Filename, Name: m.Name, Text: m.Text,
			Table: rowsOf(o.Batch.Table, m), Seconds: float64(m.Working(now).Milliseconds()) / 1000,
			RetryCount: max(0, m.Tries-1),
		}
		one.Status, one.Error = firstStatus(m.Status, imageCanceled)
		if m.Failure != "" {
			one.Error = &m.Failure
		}
		if a := m.Last(); a != nil && a.Key != "" {
			one.Key = &a.Key
		}
		one.Engine, one.ReadAt = readBy(m)
		r.Results = append(r.Results, one)
	}
	return r
}

// cached is the engine value of an image whose rows come from another reading of its picture.
const cached = "cache"

// person is the engine value of an image whose rows a person typed.
const person = "person"

// readBy returns the engine that read m and, if that was for an earlier batch, the time.
func readBy(m *batch.Image) (engine, at *string) {
	name := ""
	if a := m.Last(); a != nil {
		name = a.Engine
	}
	if m.Typed != nil {
		name = person
	}
	if m.FromCache() {
		name = cached
		if m.CachedFrom != nil {
			at = stamp(m.CachedFrom.Read)
		}
	}
	if name != "" {
		engine = &name
	}
	return engine, at
}

// rowsOf returns the rows as objects, column → text.
func rowsOf(t table.Table, m *batch.Image) []map[string]string {
	header := t.Header(m.Columns)
	rows := make([]map[string]string, 0, len(m.Rows))
	for _, row := range m.Rows {
		object := make(map[string]string, len(header))
		for i, name := range header {
			if i < len(row.Cells) {
				object[name] = row.Cells[i].Text
			}
		}
		rows = append(rows, object)
	}
	return rows
}
