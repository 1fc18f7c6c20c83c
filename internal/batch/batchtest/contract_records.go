package batchtest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

var picturesTests = map[string]func(*testing.T, subject){
	"a picture is read whole, and replaced by the next": aPictureIsReadWhole,
	"dropped forms are gone, their neighbours stay":     droppedPicturesAreGone,
	"what cannot name a picture is refused":             whatCannotNameAPictureIsRefused,
}

var readingsTests = map[string]func(*testing.T, subject){
	"a reading is recalled until a newer one replaces it": aReadingIsRecalled,
	"readings are forgotten with their batch":             readingsAreForgotten,
	"a reading that is too large is refused":              aReadingThatIsTooLargeIsRefused,
	"what cannot name a question is refused":              whatCannotNameAQuestionIsRefused,
}

var recordsTests = map[string]func(*testing.T, subject){
	"templates are kept by their id":                 templatesAreKeptByTheirID,
	"the ledger keeps one entry a batch, after it":   theLedgerKeepsOneEntryABatch,
	"a wildcard removes no template and enters none": aWildcardRemovesNoTemplate,
}

func aPictureIsReadWhole(t *testing.T, s subject) {
	id := s.batch(t).ID
	for _, size := range []int{3 << 20, 0, 1, 512 << 10, 512<<10 + 1} {
		data := make([]byte, size)
		_, _ = rand.Read(data)
		put := bytes.Clone(data)
		must(t, s.PutPicture(t.Context(), id, "key", batch.Full, put))
		clear(put) // the caller owns it
		got, err := s.GetPicture(t.Context(), id, "key", batch.Full)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("of %d bytes came %d: %v", size, len(got), err)
		}
	}
	_, err := s.GetPicture(t.Context(), id, "key", batch.Thumb)
	wants(t, errs.NotFound, "the other form", err)
	_, err = s.GetPicture(t.Context(), batch.NewID(), "key", batch.Full)
	wants(t, errs.NotFound, "of another batch", err)
}

func droppedPicturesAreGone(t *testing.T, s subject) {
	b, other := s.batch(t).ID, s.batch(t).ID
	for _, id := range []batch.ID{b, other} {
		for _, key := range []string{"one", "one-more", "two"} {
			must(t, s.PutPicture(t.Context(), id, key, batch.Full, []byte(key)))
			must(t, s.PutPicture(t.Context(), id, key, batch.Thumb, []byte(key)))
		}
	}
	left := func() (n int) {
		for _, id := range []batch.ID{b, other} {
			for _, key := range []string{"one", "one-more", "two"} {
				for _, kind := range []batch.Kind{batch.Full, batch.Thumb} {
					if _, err := s.GetPicture(t.Context(), id, key, kind); err == nil {
						n++
					} else {
						wants(t, errs.NotFound, "a dropped one", err)
					}
				}
			}
		}
		return n
	}
	for range 2 {
		must(t, s.DropPicture(t.Context(), b, "one"))
	}
	if n := left(); n != 10 {
		t.Errorf("one of two forms was dropped of 12, and %d are left", n)
	}
	must(t, s.DropPicture(t.Context(), b, ""))
	if n := left(); n != 6 {
		t.Errorf("%d forms of the other batch are left", n)
	}
}

func whatCannotNameAPictureIsRefused(t *testing.T, s subject) {
	id := s.batch(t).ID
	for _, key := range []string{"", "a.b", "*", ">", "a b", "../x", strings.Repeat("x", 129)} {
		wants(t, errs.Invalid, "putting "+key, s.PutPicture(t.Context(), id, key, batch.Full, nil))
		_, err := s.GetPicture(t.Context(), id, key, batch.Full)
		wants(t, errs.Invalid, "getting "+key, err)
		if key != "" {
			wants(t, errs.Invalid, "dropping "+key, s.DropPicture(t.Context(), id, key))
		}
	}
	wants(t, errs.NotFound, "an unknown kind", s.PutPicture(t.Context(), id, "key", "huge", nil))
	for _, other := range impossible {
		wants(t, errs.NotFound, "putting", s.PutPicture(t.Context(), other, "key", batch.Full, nil))
		wants(t, errs.NotFound, "dropping", s.DropPicture(t.Context(), other, ""))
		_, err := s.GetPicture(t.Context(), other, "key", batch.Full)
		wants(t, errs.NotFound, "getting", err)
	}
}

// aReading returns a reading with a position on the picture and an issue.
func aReading(id batch.ID, n int, text string) *batch.Reading {
	return &batch.Reading{
		Read: time.Now().UTC().Round(0), Engine: "gemini", Model: "model-1", Text: text, Batch: id, N: n,
		Rows: []table.Row{{Cells: []table.Cell{
			{Text: text, State: table.Guessed, Confidence: 0.5, Box: &table.Box{Top: 1, Left: 2, Bottom: 3, Right: 4}},
		}}},
		Issues: []table.Issue{{Row: 0, Column: 0, Kind: table.KindGuessed, Message: "It is not sure."}},
	}
}

func aReadingIsRecalled(t *testing.T, s subject) {
	one, two := batch.NewID(), batch.NewID()
	_, err := s.GetReading(t.Context(), "asked")
	wants(t, errs.NotFound, "before it was asked", err)
	want := aReading(one, 3, "first")
	must(t, s.PutReading(t.Context(), "asked", want))
	must(t, s.PutReading(t.Context(), "other", aReading(one, 4, "other")))
	got, err := s.GetReading(t.Context(), "asked")
	must(t, err)
	same(t, "the reading", got, want)
	if got.Batch != one || got.N != 3 {
		t.Errorf("it was read for image %d of %s", got.N, got.Batch)
	}
	must(t, s.PutReading(t.Context(), "asked", aReading(two, 1, "second")))
	got, err = s.GetReading(t.Context(), "asked")
	if err != nil || got.Text != "second" || got.Batch != two {
		t.Errorf("it is %+v, %v", got, err)
	}
	must(t, s.PurgeReadings(t.Context(), two))
	_, err = s.GetReading(t.Context(), "asked") // the earlier answer does not come back
	wants(t, errs.NotFound, "after the newer was forgotten", err)
}

func readingsAreForgotten(t *testing.T, s subject) {
	b, other := s.batch(t).ID, s.batch(t).ID
	must(t, s.PutReading(t.Context(), "mine", aReading(b, 1, "mine")))
	must(t, s.PutReading(t.Context(), "other", aReading(other, 1, "other")))
	for range 2 {
		must(t, s.PurgeReadings(t.Context(), b))
	}
	_, err := s.GetReading(t.Context(), "mine")
	wants(t, errs.NotFound, "the forgotten one", err)
	if _, err := s.GetReading(t.Context(), "other"); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
}

func aReadingThatIsTooLargeIsRefused(t *testing.T, s subject) {
	var noise strings.Builder
	for range 100_000 {
		noise.WriteString(string(batch.NewID()))
	}
	r := aReading(batch.NewID(), 1, noise.String())
	wants(t, errs.TooLarge, "2.6 MB of noise", s.PutReading(t.Context(), "huge", r))
	_, err := s.GetReading(t.Context(), "huge")
	wants(t, errs.NotFound, "the refused one", err)
}

func whatCannotNameAQuestionIsRefused(t *testing.T, s subject) {
	for _, question := range []string{"", "a.b", "*", ">", "a b"} {
		wants(t, errs.Invalid, "remembering "+question, s.PutReading(t.Context(), question, aReading(batch.NewID(), 1, "x")))
		_, err := s.GetReading(t.Context(), question)
		wants(t, errs.Invalid, "recalling "+question, err)
	}
	wants(t, errs.NotFound, "of an image that cannot be", s.PutReading(t.Context(), "asked", aReading(batch.NewID(), 0, "x")))
	for _, id := range impossible {
		wants(t, errs.NotFound, "of a batch that cannot be", s.PutReading(t.Context(), "asked", aReading(id, 1, "x")))
		wants(t, errs.NotFound, "forgetting it", s.PurgeReadings(t.Context(), id))
	}
}

func (s subject) templateNames(t *testing.T) []string {
	t.Helper()
	all, err := s.Templates(t.Context())
	must(t, err)
	slices.SortFunc(all, func(a, b *batch.Template) int { return cmp.Compare(a.Name, b.Name) })
	var names []string
	for _, one := range all {
		names = append(names, one.ID+" "+one.Name)
	}
	return names
}

func templatesAreKeptByTheirID(t *testing.T, s subject) {
	same(t, "at first", s.templateNames(t), []string(nil))
	for _, one := range []batch.Template{{ID: "a", Name: "1"}, {ID: "b", Name: "2"}, {ID: "a", Name: "3"}} {
		must(t, s.SaveTemplate(t.Context(), &one))
	}
	same(t, "the last of each", s.templateNames(t), []string{"b 2", "a 3"})
	for range 2 { // removing a missing one is not an error
		must(t, s.RemoveTemplate(t.Context(), "a"))
	}
	same(t, "after one was removed", s.templateNames(t), []string{"b 2"})
	must(t, s.SaveTemplate(t.Context(), &batch.Template{ID: "a", Name: "4"}))
	same(t, "after it was saved again", s.templateNames(t), []string{"b 2", "a 4"})
}

func aWildcardRemovesNoTemplate(t *testing.T, s subject) {
	must(t, s.SaveTemplate(t.Context(), &batch.Template{ID: "a", Name: "1"}))
	for _, id := range []string{"", "*", ">", "a.b", "a b"} {
		must(t, s.RemoveTemplate(t.Context(), id))
		wants(t, errs.Invalid, "saving "+id, s.SaveTemplate(t.Context(), &batch.Template{ID: id}))
	}
	same(t, "those kept", s.templateNames(t), []string{"a 1"})
}

func theLedgerKeepsOneEntryABatch(t *testing.T, s subject) {
	entered := func() []batch.Day {
		days, err := s.Entered(t.Context())
		must(t, err)
		slices.SortFunc(days, func(a, b batch.Day) int { return cmp.Compare(a.Read, b.Read) })
		return days
	}
	if days := entered(); len(days) != 0 {
		t.Errorf("at first there are %v", days)
	}
	one, two := s.batch(t).ID, batch.NewID()
	day := func(read int) batch.Day { return batch.Day{Day: "2026-11-25", Engine: "gemini", Read: read, Calls: 1} }
	must(t, s.Enter(t.Context(), one, []batch.Day{day(1), day(2)}))
	must(t, s.Enter(t.Context(), two, []batch.Day{day(5)}))
	must(t, s.Enter(t.Context(), one, []batch.Day{day(3), day(4)}))
	must(t, s.RemoveBatch(t.Context(), one))
	same(t, "the entries", entered(), []batch.Day{day(3), day(4), day(5)})
	for _, id := range impossible {
		wants(t, errs.NotFound, "entering", s.Enter(t.Context(), id, nil))
	}
}
