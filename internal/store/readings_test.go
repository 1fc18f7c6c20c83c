package store_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
	"sheetlift/internal/store/storetest"
	"sheetlift/internal/table"
)

// newReading makes a reading of image n of a batch, with a position on the picture and an issue.
func newReading(id batch.ID, n int, text string) *batch.Reading {
	return &batch.Reading{
		Read: time.Now().UTC().Round(0), Engine: "gemini", Model: "model-1", Text: text, Batch: id, N: n,
		Rows: []table.Row{{Cells: []table.Cell{
			{Text: text, State: table.Guessed, Confidence: 0.5, Box: &table.Box{Top: 1, Left: 2, Bottom: 3, Right: 4}},
		}}},
		Issues: []table.Issue{{Row: 0, Column: 0, Kind: table.KindGuessed, Message: "It is not sure."}},
	}
}

func remember(t *testing.T, s *store.Store, question string, r *batch.Reading) {
	t.Helper()
	if err := s.Readings().PutReading(t.Context(), question, r); err != nil {
		t.Fatal(err)
	}
}

func recalled(t *testing.T, s *store.Store, question string) string {
	t.Helper()
	r, err := s.Readings().GetReading(t.Context(), question)
	if errs.Is(err, errs.NotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.Text
}

func TestAReadingIsRecalledAsItWasUntilANewerOneTakesItsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	one, two := batch.NewID(), batch.NewID()
	want := newReading(one, 3, "first")
	remember(t, s, "asked", want)
	remember(t, s, "other", newReading(one, 4, "other"))
	if got, err := s.Readings().GetReading(t.Context(), "asked"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("recalled %+v, %v", got, err)
	}
	_ = s.Close()
	s = open(t, dir)
	if got := recalled(t, s, "asked"); got != "first" {
		t.Errorf("after a restart it is %q", got)
	}
	remember(t, s, "asked", newReading(two, 1, "second"))
	if got := recalled(t, s, "asked"); got != "second" {
		t.Errorf("it is %q", got)
	}
	if err := s.Readings().PurgeReadings(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	if got := recalled(t, s, "asked"); got != "" {
		t.Errorf("the answer that was replaced came back: %q", got)
	}
	if got := recalled(t, s, "other"); got != "other" {
		t.Errorf("the answer to another question is %q", got)
	}
	if _, err := s.Readings().GetReading(t.Context(), "a.*"); !errs.Is(err, errs.Invalid) {
		t.Errorf("a question that reaches further: %v", err)
	}
}

func TestALargeReadingIsKeptAndOneTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	r := newReading(batch.NewID(), 1, "large")
	for i := range 5000 {
		r.Rows = append(r.Rows, table.Row{Cells: []table.Cell{{Text: fmt.Sprint("a cell of row ", i), Box: &table.Box{Top: i}}}})
	}
	remember(t, s, "large", r)
	if got, err := s.Readings().GetReading(t.Context(), "large"); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("it is not what it was: %v", err)
	}
	var noise strings.Builder
	for range 100_000 {
		noise.WriteString(string(batch.NewID()))
	}
	r.Text = noise.String()
	if err := s.Readings().PutReading(t.Context(), "huge", r); !errs.Is(err, errs.TooLarge) {
		t.Errorf("one that is too large: %v", err)
	}
}

func TestAFullDiskTakesNoReadings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Config{Dir: dir, Disk: func(string) (store.Space, error) { return store.Space{Free: 1 << 20}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Readings().PutReading(t.Context(), "asked", newReading(batch.NewID(), 1, "text")); !errs.Is(err, errs.Full) {
		t.Errorf("it answered %v", err)
	}
}

func TestADamagedReadingIsNoAnswerAndKeepsNobodyFromStarting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	remember(t, s, "asked", newReading(batch.NewID(), 1, "before"))
	_ = s.Close()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".blk") || !strings.Contains(path, "READINGS") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data[len(data)-40] ^= 0x5a
		return os.WriteFile(path, data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if r, err := s.Readings().GetReading(t.Context(), "asked"); err == nil {
		t.Errorf("recalled %+v", r)
	}
	remember(t, s, "asked", newReading(batch.NewID(), 1, "after"))
	if got := recalled(t, s, "asked"); got != "after" {
		t.Errorf("it is %q", got)
	}
}

func TestWhatOneProcessReadAnotherRecallsOnACluster(t *testing.T) {
	t.Parallel()
	nodes := storetest.Start(t, 3)
	var both [2]*store.Store
	for i := range both {
		s, err := store.Open(t.Context(), store.Config{Cluster: store.Cluster{URL: nodes.URL()}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		both[i] = s
	}
	id := batch.NewID()
	remember(t, both[0], "asked", newReading(id, 1, "text"))
	if got := recalled(t, both[1], "asked"); got != "text" {
		t.Errorf("it is %q", got)
	}
	if err := both[1].Readings().PurgeReadings(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := recalled(t, both[0], "asked"); got != "" {
		t.Errorf("it is %q", got)
	}
}

// BenchmarkEngineReadings stores and loads readings of 20 rows with positions on the picture among 10,000 others.
func BenchmarkEngineReadings(b *testing.B) {
	s := open(b, b.TempDir())
	id := newBatch(b, s).ID
	r := newReading(id, 1, "Monitor 24in")
	for i := range 20 {
		row := table.Row{}
		for c := range 5 {
			row.Cells = append(row.Cells, table.Cell{Text: fmt.Sprintf("SN-%d-%d", 7919*i, c), Confidence: 0.9, Box: &table.Box{Top: 40 * i, Left: 200 * c, Bottom: 40*i + 38, Right: 200*c + 180}})
		}
		r.Rows = append(r.Rows, row)
	}
	put := func(n int) {
		r.N = n
		if err := s.Readings().PutReading(b.Context(), fmt.Sprintf("%064x", n), r); err != nil {
			b.Fatal(err)
		}
	}
	for n := range 10_000 {
		put(n + 1)
	}
	size, err := s.Size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	next := 10_000
	b.Run("remember", func(b *testing.B) {
		for b.Loop() {
			next++
			put(next)
		}
		b.ReportMetric(float64(size)/10_000, "bytes/reading")
	})
	b.Run("recall", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Readings().GetReading(b.Context(), fmt.Sprintf("%064x", 5000)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("nobody asked", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Readings().GetReading(b.Context(), "never"); !errs.Is(err, errs.NotFound) {
				b.Fatal(err)
			}
		}
	})
	b.Run("forget", func(b *testing.B) {
		for b.Loop() {
			if err := s.Readings().PurgeReadings(b.Context(), batch.NewID()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
