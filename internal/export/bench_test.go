package export_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/export"
	"sheetlift/internal/table"
)

func BenchmarkWorkbook(b *testing.B) {
	for _, size := range []struct{ images, rows, columns int }{{500, 50, 20}, {1000, 25, 5}, {5000, 5, 5}} {
		b.Run(fmt.Sprintf("%dx%dx%d", size.images, size.rows, size.columns), func(b *testing.B) {
			var columns []table.Column
			for c := range size.columns {
				columns = append(columns, table.Column{Name: fmt.Sprint("Column ", c+1), Type: []table.Type{table.Text, table.Number}[c%2]})
			}
			var images []*batch.Image
			for n := range size.images {
				m := image(n+1, fmt.Sprint("Sheet ", n+1))
				for r := range size.rows {
					cells := make([]string, size.columns)
					for c := range cells {
						cells[c] = fmt.Sprint(100000 + n*r + c)
					}
					m.Rows = append(m.Rows, image(0, "", cells).Rows...)
				}
				images = append(images, m)
			}
			batch := texts("bench", columns)
			b.ReportAllocs()
			for b.Loop() {
				if err := export.Workbook(b.Context(), io.Discard, batch, all(images), export.Options{TmpDir: b.TempDir(), Now: noon}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMillionRows writes more rows than one sheet holds, and counts them.
func BenchmarkMillionRows(b *testing.B) {
	one := texts("b", []table.Column{{Name: "Text", Type: table.Text}})
	m := image(1, "one")
	m.Rows = slices.Repeat(image(0, "", []string{"x"}).Rows, 10_000)
	images := make([]*batch.Image, 105)
	for i := range images {
		next := *m
		next.N = i + 1
		images[i] = &next
	}
	for b.Loop() {
		var out bytes.Buffer
		if err := export.WorkbookWithin(b.Context(), &out, one, all(images), export.Options{TmpDir: b.TempDir(), Now: noon}, 1_048_575, 0); err != nil {
			b.Fatal(err)
		}
		xml := parts(b, out.Bytes())
		first, second := strings.Count(xml["xl/worksheets/sheet1.xml"], "<row "), strings.Count(xml["xl/worksheets/sheet2.xml"], "<row ")
		if first != 1_048_576 || second != 1_050_000-1_048_575+1 {
			b.Fatalf("%d and %d lines", first, second)
		}
	}
}

// BenchmarkAppend appends 25,000 rows of 20 columns to a workbook with as many.
func BenchmarkAppend(b *testing.B) {
	var columns []table.Column
	for c := range 20 {
		columns = append(columns, table.Column{Name: fmt.Sprint("Column ", c+1), Type: []table.Type{table.Text, table.Number}[c%2]})
	}
	m := image(1, "one")
	for r := range 25_000 {
		cells := make([]string, len(columns))
		for c := range cells {
			cells[c] = fmt.Sprint(100000 + r + c)
		}
		m.Rows = append(m.Rows, image(0, "", cells).Rows...)
	}
	month := texts("bench", columns)
	old := write(b, month, m)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := existing(b, old).Append(b.Context(), io.Discard, month, all([]*batch.Image{m}), export.AppendOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
