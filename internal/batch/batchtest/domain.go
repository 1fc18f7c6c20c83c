package batchtest

import (
	"sheetlift/internal/batch"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/table"
	"strings"
	"testing"
	"time"
)

// New returns the services over an in-memory world.
func New(t *testing.T) (*usecases.Services, *World) {
	t.Helper()
	w := NewWorld()
	return usecases.New(usecases.Ports{
		Repository: w, Queue: w, Pictures: w, Intake: Intake{}, Readers: Readers{"gemini", "tesseract"},
	}, usecases.Limits{MaxImages: 100}), w
}

// NewDraft
func NewDraft(t *testing.T, s *usecases.Services) batch.ID {
	t.Helper()
	b, err := s.Draft.Create(t.Context(), draft.NewBatch{})
	if err != nil {
		t.Fatal(err)
	}
	return b.ID
}

// Add
func Add(t *testing.T, s *usecases.Services, id batch.ID, upload string, position int) *batch.Image {
	t.Helper()
	return Upload(t, s, id, draft.Upload{ID: upload, Filename: upload + ".jpg", Position: position, Body: strings.NewReader(upload)})
}

// Upload uploads a file that holds one picture.
func Upload(t *testing.T, s *usecases.Services, id batch.ID, u draft.Upload) *batch.Image {
	t.Helper()
	taken, err := s.Draft.AddImages(t.Context(), id, u)
	if err != nil || len(taken.Images) != 1 || taken.Refused != nil {
		t.Fatalf("%+v: %v", taken, err)
	}
	return taken.Images[0]
}

// Images
func Images(t *testing.T, s *usecases.Services, id batch.ID) []*batch.Image {
	t.Helper()
	images, err := s.Batches.Images(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return images
}

// ReadBatch returns a started batch whose images are completed: three rows of two columns, the serial number of the second row
// guessed, the quantity of the third violating its rule.
func ReadBatch(t *testing.T, images int) (*usecases.Services, *World, batch.ID) {
	t.Helper()
	s, w := New(t)
	columns := table.Table{Columns: []table.Column{{Name: "Serial", Type: table.Text, Required: true}, {Name: "Quantity", Type: table.Number}}}
	b, err := s.Draft.Create(t.Context(), draft.NewBatch{Table: &columns})
	if err != nil {
		t.Fatal(err)
	}
	for i := range images {
		Add(t, s, b.ID, "upload-"+string(rune('a'+i)), i+1)
	}
	if _, err := s.Run.Start(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= images; n++ {
		Reread(t, w, b.ID, n)
	}
	return s, w, b.ID
}

// Reread
func Reread(t *testing.T, w *World, id batch.ID, n int) {
	t.Helper()
	m, err := w.Image(t.Context(), id, n)
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	m.Status, m.Ended = batch.Completed, time.Now()
	m.Rows = []table.Row{
		{Cells: []table.Cell{{Text: "00123", State: table.Read}, {Text: "4", State: table.Read}}},
		{Cells: []table.Cell{{Text: "VNB3R", State: table.Guessed}, {Text: "2", State: table.Read}}},
		{Cells: []table.Cell{{Text: "7Q4K0", State: table.Read}, {Text: "four", State: table.Read}}},
	}
	m.Issues = append([]table.Issue{{Row: -1, Column: -1, Kind: table.KindOffline, Message: "Read offline."}}, b.Table.Check(nil, m.Rows)...)
	if err := w.SaveImage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}
