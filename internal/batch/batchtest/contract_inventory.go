package batchtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

var inventoryTests = map[string]func(*testing.T, subject){
	"everything stored is listed":            everythingStoredIsListed,
	"only what is old enough is swept":       onlyWhatIsOldEnoughIsSwept,
	"rows beside an image go with the image": rowsBesideAnImageGoWithIt,
	"a wildcard sweeps nothing":              aWildcardSweepsNothing,
}

func (s subject) stored(t *testing.T) *batch.Stored {
	t.Helper()
	all, err := s.Stored(t.Context())
	must(t, err)
	return all
}

func everythingStoredIsListed(t *testing.T, s subject) {
	b := s.batch(t).ID
	s.image(t, b, 1)
	s.image(t, b, 2)
	must(t, s.PutPicture(t.Context(), b, "both", batch.Full, []byte("x")))
	must(t, s.PutPicture(t.Context(), b, "both", batch.Thumb, []byte("x")))
	must(t, s.PutPicture(t.Context(), b, "thumb", batch.Thumb, []byte("x")))
	must(t, s.PutReading(t.Context(), "asked", aReading(b, 2, "x")))
	must(t, s.queue.Add(t.Context(), units(b, 2)))
	take(t, s.consumer(t, b, 1)) // one in flight
	all := s.stored(t)
	for _, ns := range all.Images {
		slices.Sort(ns)
	}
	slices.SortFunc(all.Pictures, func(a, b batch.StoredPicture) int { return strings.Compare(a.Key, b.Key) })
	slices.SortFunc(all.Units, func(a, b batch.Unit) int { return a.N - b.N })
	same(t, "all of it", all, &batch.Stored{
		Batches: []batch.ID{b}, Images: map[batch.ID][]int{b: {1, 2}},
		Pictures: []batch.StoredPicture{{Batch: b, Key: "both", Full: true, Thumb: true}, {Batch: b, Key: "thumb", Thumb: true}},
		Readings: []batch.StoredReading{{Question: "asked", Batch: b, N: 2}},
		Units:    units(b, 2),
	})
}

func onlyWhatIsOldEnoughIsSwept(t *testing.T, s subject) {
	b := s.batch(t).ID
	must(t, s.PutPicture(t.Context(), b, "key", batch.Full, []byte("x")))
	must(t, s.PutPicture(t.Context(), b, "key-2", batch.Full, []byte("x")))
	must(t, s.PutReading(t.Context(), "asked", aReading(b, 1, "x")))
	must(t, s.queue.Add(t.Context(), units(b, 1)))
	sweep := func(before time.Time, want bool) {
		t.Helper()
		calls := map[string]func() (bool, error){
			"SweepPicture": func() (bool, error) {
				return s.SweepPicture(t.Context(), batch.StoredPicture{Batch: b, Key: "key"}, before)
			},
			"SweepReading": func() (bool, error) {
				return s.SweepReading(t.Context(), batch.StoredReading{Question: "asked", Batch: b, N: 1}, before)
			},
			"SweepUnit": func() (bool, error) { return s.SweepUnit(t.Context(), units(b, 1)[0], before) },
		}
		for call, f := range calls {
			if gone, err := f(); err != nil || gone != want {
				t.Errorf("%s: gone %v, %v", call, gone, err)
			}
		}
	}
	sweep(time.Now().Add(-time.Hour), false)
	if all := s.stored(t); len(all.Pictures) != 2 || len(all.Readings) != 1 || len(all.Units) != 1 {
		t.Errorf("what is young was swept: %+v", all)
	}
	for range 2 { // a thing that does not exist counts as gone
		sweep(time.Now().Add(time.Hour), true)
	}
	if all := s.stored(t); len(all.Pictures) != 1 || len(all.Readings) != 0 || len(all.Units) != 0 {
		t.Errorf("left: %+v", all)
	}
	nothing(t, s.consumer(t, b, 1))
}

func rowsBesideAnImageGoWithIt(t *testing.T, s subject) {
	b := s.batch(t).ID
	m := s.image(t, b, 1)
	for i := range 9000 {
		m.Rows = append(m.Rows, table.Row{Cells: []table.Cell{{Text: fmt.Sprint("row ", i, strings.Repeat(" x", 40))}}})
	}
	must(t, s.SaveImage(t.Context(), m))
	for _, r := range s.stored(t).Rows { // a store may also keep them inside the image
		if r.Batch != b || r.N != 1 || !r.Used {
			t.Errorf("rows of %+v", r)
		}
	}
	absent := batch.StoredRows{Batch: b, N: 2, Name: "abc"}
	if gone, err := s.SweepRows(t.Context(), absent, time.Now()); err != nil || !gone {
		t.Errorf("rows that are not there: %v, %v", gone, err)
	}
	must(t, s.RemoveBatch(t.Context(), b))
	if left := s.stored(t).Rows; len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func aWildcardSweepsNothing(t *testing.T, s subject) {
	b := s.batch(t).ID
	must(t, s.PutPicture(t.Context(), b, "key", batch.Full, []byte("x")))
	later := time.Now().Add(time.Hour)
	for _, key := range []string{"", "*", ">"} {
		_, err := s.SweepPicture(t.Context(), batch.StoredPicture{Batch: b, Key: key}, later)
		wants(t, errs.Invalid, "SweepPicture", err)
		_, err = s.SweepRows(t.Context(), batch.StoredRows{Batch: b, N: 1, Name: key}, later)
		wants(t, errs.Invalid, "SweepRows", err)
		_, err = s.SweepReading(t.Context(), batch.StoredReading{Question: key, Batch: b, N: 1}, later)
		wants(t, errs.Invalid, "SweepReading", err)
		_, err = s.SweepUnit(t.Context(), batch.Unit{Batch: batch.ID(key), N: 1}, later)
		wants(t, errs.Invalid, "SweepUnit", err)
	}
	if _, err := s.GetPicture(t.Context(), b, "key", batch.Full); err != nil {
		t.Error(err)
	}
}
