package api

import (
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// status is the answer of GET /batch-status/{job_id}.
type status struct {
	Success   bool         `json:"success"`
	JobID     batch.ID     `json:"job_id"`
	Status    batch.Status `json:"status"`
	Total     int          `json:"total_images"`
	Completed int          `json:"completed_images"`
	Failed    int          `json:"failed_images"`
	Cached    int          `json:"cached_images"`       // of the completed ones, those that cost nothing: the same picture was read before
	Progress  float64      `json:"progress_percentage"` // 0 to 100
	CreatedAt string       `json:"created_at"`          // RFC 3339
	EndedAt   *string      `json:"completed_at"`        // null while it runs
}

func newStatus(o batch.Overview) status {
	s := status{
		Success: true, JobID: o.Batch.ID, Status: o.Batch.Status, Total: o.Images,
		Completed: o.Counts.Completed, Failed: o.Counts.Failed, Cached: o.Counts.Reused, CreatedAt: o.Batch.Created.Format(time.RFC3339Nano),
	}
	if o.Images > 0 {
		s.Progress = float64(o.Counts.Done()*1000/o.Images) / 10
	}
	if !o.Batch.Ended.IsZero() {
		at := o.Batch.Ended.Format(time.RFC3339Nano)
		s.EndedAt = &at
	}
	return s
}

// results is the answer of GET /batch-results/{job_id}.
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
	Engine     *string             `json:"engine"`       // that made the last try; "cache" when the rows come from another reading of the picture; null before
	ReadAt     *string             `json:"read_at"`      // RFC 3339: when the rows were read for an earlier batch that they come from, otherwise null
}

func newResults(o batch.Overview, images []*batch.Image) results {
	r := results{status: newStatus(o), Results: make([]result, 0, len(images))}
	now := time.Now()
	for _, m := range images {
		one := result{
			ID: m.UploadID(), Filename: m.Filename, Name: m.Name, Status: m.Status, Text: m.Text,
			Table: rowsOf(o.Batch.Table, m), Seconds: float64(m.Working(now).Milliseconds()) / 1000,
			RetryCount: max(0, m.Tries-1),
		}
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

// cached is the engine of an image whose rows come from another reading of its picture.
const cached = "cache"

// readBy is who read m, and when, if that was for an earlier batch.
func readBy(m *batch.Image) (engine, at *string) {
	name := ""
	if a := m.Last(); a != nil {
		name = a.Engine
	}
	if m.Reused() {
		name = cached
		if m.Earlier != nil {
			at = stamp(m.Earlier.Read)
		}
	}
	if name != "" {
		engine = &name
	}
	return engine, at
}

// rowsOf are the rows as objects, column to text.
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
