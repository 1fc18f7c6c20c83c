package web

import (
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
	"sheetlift/views"
)

func TestAllRowsAreFoundInEitherFormOfUnicodeAndUnderOneHeading(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Table: table.Table{Open: true}}
	sheet := func(n int, heading, text string) *batch.Image {
		return &batch.Image{N: n, Name: "page", Status: batch.Completed, Columns: []string{heading}, Rows: []table.Row{{Cells: []table.Cell{{Text: text}}}}}
	}
	images := []*batch.Image{sheet(1, "Désignation", "Café noir"), sheet(2, "De\u0301signation", "Cafe\u0301\u00a0noir"), sheet(3, "Designation", "Cafe noir")}
	for _, query := range []string{"café noir", " cafe\u0301 noir", "CAFÉ\u00a0NOIR"} {
		v := views.Rows{Query: query}
		found := sieve(b, images, &v)
		if len(v.Heads) != 2 || len(found) != 2 || found[1].cell(0).Text != "Cafe\u0301\u00a0noir" {
			t.Errorf("%q: %d headings, %d rows", query, len(v.Heads), len(found))
		}
	}
}
