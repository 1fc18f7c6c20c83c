package tesseract

import (
	"sheetlift/internal/engine"
	"sheetlift/internal/table"
)

func named(r *engine.Reading, g grid, want table.Table) {
	_ = want
	for _, row := range g.rows {
		r.Rows = append(r.Rows, table.Row{Cells: values(row)})
	}
}
