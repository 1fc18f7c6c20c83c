package api_test

import (
	"slices"
	"testing"

	"sheetlift/internal/web/api"
)

func FuzzCursor(f *testing.F) {
	f.Add(api.CursorOf("rows", "3", "2", "17"), "rows", 3)
	f.Add(api.CursorOf("batches", "1764489851000000000", "k3v9r2t7q1xm"), "images", 2)
	f.Add("", "rows", 0)
	f.Add("=.=", "", -1)
	f.Fuzz(func(t *testing.T, text, list string, fields int) {
		place, ok := api.PlaceIn(text, list, fields)
		if !ok {
			return
		}
		if len(place) != fields {
			t.Fatalf("%q has %q, not %d fields", text, place, fields)
		}
		if again, ok := api.PlaceIn(api.CursorOf(list, place...), list, fields); !ok || !slices.Equal(place, again) {
			t.Errorf("%q became %q", place, again)
		}
	})
}
