package draft_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/errs"
)

func TestPatternsNameByNumberFileFolderAndDate(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	day := time.Date(2026, 11, 25, 0, 30, 0, 0, time.FixedZone("", 3600)) // the previous day in UTC
	batchtest.Upload(t, s, id, draft.Upload{ID: "upload-1", Filename: "IMG_1.jpg", Folder: `Hall A\Room 12`, TakenAt: day, Position: 1, Body: strings.NewReader("1")})
	batchtest.Add(t, s, id, "upload-2", 2)
	for _, c := range []struct {
		text string
		want []string
	}{
		{"Room-{n:03}", []string{"Room-099", "Room-100"}},
		{"{n}/{n:2}/{n:05}", []string{"99/99/00099", "100/100/00100"}},
		{"{folder} {date} {file}", []string{"Room 12 2026-11-25 IMG_1", "upload-2"}},
		{"{name}!", []string{"Room 12 2026-11-25 IMG_1!", "upload-2!"}},
		{"{date}", []string{"2026-11-25", "upload-2!"}}, // no date, so the name stays
	} {
		if err := s.Draft.NameByPattern(t.Context(), id, draft.Pattern{Text: c.text, From: 99}); err != nil {
			t.Fatal(err)
		}
		if got := names(batchtest.Images(t, s, id)); !slices.Equal(got, c.want) {
			t.Errorf("%s gives %q, want %q", c.text, got, c.want)
		}
	}
	for _, p := range []draft.Pattern{{}, {Text: "{room}"}, {Text: "{n:0}"}, {Text: "{n:10}"}, {Text: "x", From: -1}, {Text: strings.Repeat("x", 201)}} {
		if err := s.Draft.NameByPattern(t.Context(), id, p); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q from %d: got %v", p.Text, p.From, err)
		}
	}
}

func TestNamesAreReplacedAndPasted(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	for i, upload := range []string{"upload-1", "upload-2", "upload-3"} {
		batchtest.Add(t, s, id, upload, i+1)
	}
	if err := s.Draft.ReplaceInNames(t.Context(), id, "UPLOAD-", "$1 "); err != nil {
		t.Fatal(err)
	}
	if err := s.Draft.PasteNames(t.Context(), id, "\"Hall \"\"A\"\"\nleft\"\tother column\r\n\r\nThird\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, want := names(batchtest.Images(t, s, id)), []string{`Hall "A" left`, "$1 2", "Third"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, err := range []error{
		s.Draft.ReplaceInNames(t.Context(), id, "nowhere", "x"), s.Draft.ReplaceInNames(t.Context(), id, "", "x"),
		s.Draft.PasteNames(t.Context(), id, "\n\n"), s.Draft.PasteNames(t.Context(), id, "1\n2\n3\n4"),
	} {
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("got %v", err)
		}
	}
}

func TestADraftIsOrderedAsPeopleCountAndByHand(t *testing.T) {
	t.Parallel()
	s, w := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	for i, name := range []string{"b-10.jpg", "B-9.jpg", "a-1.jpg", "b-010 x.jpg"} {
		at := time.Date(2026, 1, 4-i, 0, 0, 0, 0, time.UTC)
		batchtest.Upload(t, s, id, draft.Upload{ID: "upload-" + name[:1] + name[2:3] + strings.Repeat("x", i), Filename: name, TakenAt: at, Position: i + 1, Body: strings.NewReader(name)})
	}
	order := func() (ns []int) {
		for _, m := range batchtest.Images(t, s, id) {
			ns = append(ns, m.N)
		}
		return ns
	}
	step := func(what string, err error, want ...int) {
		t.Helper()
		if got := order(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: order %v, want %v, %v", what, got, want, err)
		}
	}
	step("by name", s.Draft.Sort(t.Context(), id, draft.SortName), 3, 2, 1, 4)
	step("by date", s.Draft.Sort(t.Context(), id, draft.SortDate), 4, 3, 2, 1)
	step("to the front", s.Draft.Move(t.Context(), id, 1, 4), 1, 4, 3, 2)
	step("to the end", s.Draft.Move(t.Context(), id, 4, 0), 1, 3, 2, 4)
	step("before itself", s.Draft.Move(t.Context(), id, 3, 3), 1, 3, 2, 4)
	late := batchtest.Add(t, s, id, "upload-late", 1)
	step("one that comes later", nil, 1, 3, 2, 4, late.N)
	step("left out", s.Draft.Exclude(t.Context(), id, true, 3, late.N), 1, 2, 4)
	step("taken in again", s.Draft.Exclude(t.Context(), id, false, 3), 1, 3, 2, 4)
	if err := s.Draft.Move(t.Context(), id, 99, 0); !errs.Is(err, errs.NotFound) {
		t.Errorf("moving nothing: %v", err)
	}
	if err := s.Draft.Sort(t.Context(), id, "colour"); !errs.Is(err, errs.Invalid) {
		t.Errorf("sorting by anything: %v", err)
	}
	b, err := s.Run.Start(t.Context(), id)
	if err != nil || !slices.Equal(b.Order, []int{1, 3, 2, 4}) || w.Queued(id) != 4 {
		t.Fatalf("started as %v with %d units: %v", b.Order, w.Queued(id), err)
	}
	step("after the start", nil, 1, 3, 2, 4)
	if _, err := s.Batches.Image(t.Context(), id, late.N); !errs.Is(err, errs.NotFound) {
		t.Errorf("what was left out is still there: %v", err)
	}
	for _, err := range []error{s.Draft.Move(t.Context(), id, 1, 0), s.Draft.Exclude(t.Context(), id, true, 1), s.Draft.Sort(t.Context(), id, draft.SortName)} {
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("after the start: got %v", err)
		}
	}
}

func TestABatchOfWhichAllIsLeftOutDoesNotStart(t *testing.T) {
	t.Parallel()
	s, _ := batchtest.New(t)
	id := batchtest.NewDraft(t, s)
	batchtest.Add(t, s, id, "upload-1", 1)
	if err := s.Draft.Exclude(t.Context(), id, true, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run.Start(t.Context(), id); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
}

func FuzzCells(f *testing.F) {
	for _, seed := range []string{"", "a\nb", "\"a\nb\"\tc\r\nd", `"`, `""""`, "\"a\"b\n", "\t\n\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cells := draft.Cells(text)
		if len(cells) > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
			t.Errorf("%d cells in %q", len(cells), text)
		}
		if n := len(cells); n > 0 && cells[n-1] == "" {
			t.Errorf("the last cell of %q is empty", text)
		}
	})
}
