package export_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/export"
)

// packed returns a ZIP with these parts.
func packed(t testing.TB, all map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range all {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// with returns the workbook with a text in one part replaced by another.
func with(t testing.TB, data []byte, part, old, now string) []byte {
	t.Helper()
	all := parts(t, data)
	if !strings.Contains(all[part], old) {
		t.Fatalf("%s has no %q: %s", part, old, all[part])
	}
	all[part] = strings.ReplaceAll(all[part], old, now)
	return packed(t, all)
}

func TestFilesThatAreNoOpenWorkbookAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	good := persons(t)
	broken := bytes.Clone(good)
	broken[len(broken)/3] ^= 0xFF
	var wide []byte
	for _, c := range "EncryptedPackage" {
		wide = append(wide, byte(c), 0)
	}
	ole := "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 2000)
	const plain = "spreadsheetml.sheet.main+xml"
	types := "[Content_Types].xml"
	for want, data := range map[string][]byte{
		"no Excel workbook":                   []byte("name,price\nLamp,5\n"),
		"no Excel workbook.":                  {},
		"no Excel workbook. Save it as .xlsx": packed(t, map[string]string{"word/document.xml": "<w/>"}),
		"no Excel workbook. Save":             with(t, good, types, plain, "wordprocessingml.document.main+xml"),
		"damaged":                             good[:len(good)-40],
		"damaged:":                            broken,
		"is damaged":                          with(t, good, "xl/workbook.xml", "</sheets>", "</sheet>"),
		"protected by a password":             []byte(ole + string(wide)),
		"of the old kind":                     []byte(ole),
		"has macros":                          with(t, good, types, "vnd.openxmlformats-officedocument."+plain, "vnd.ms-excel.sheet.macroEnabled.main+xml"),
		"is a template":                       with(t, good, types, plain, "spreadsheetml.template.main+xml"),
		"signature":                           with(t, good, "_rels/.rels", "relationships/metadata/core-properties", "relationships/digital-signature/origin"),
	} {
		_, err := export.OpenExisting(bytes.NewReader(data), int64(len(data)))
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), strings.TrimSuffix(want, ":")) {
			t.Errorf("%q: got %v", want, err)
		}
	}
}

func TestPlacesAtWhichRowsWouldBeWrongAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	build := func(change func(f *excelize.File) error) []byte {
		f := excelize.NewFile()
		var err error
		for cell, v := range map[string]any{"A1": "Item", "B1": "Price", "C1": "Place", "A2": "Lamp", "B2": 5, "C2": "x", "A3": "Chair", "B3": 6, "C3": "y"} {
			err = errorsJoin(err, f.SetCellValue("Sheet1", cell, v))
		}
		return saved(t, f, err, change(f))
	}
	table := func(f *excelize.File) error {
		return f.AddTable("Sheet1", &excelize.Table{Range: "A1:C3", Name: "Things"})
	}
	for want, data := range map[string][]byte{
		"is protected": build(func(f *excelize.File) error {
			return f.ProtectSheet("Sheet1", &excelize.SheetProtectionOptions{Password: "x"})
		}),
		"has the headings of the batch": build(func(f *excelize.File) error {
			return errorsJoin(f.SetCellValue("Sheet1", "A1", "a"), f.SetCellValue("Sheet1", "B1", "b"))
		}),
		"perhaps a total": build(func(f *excelize.File) error { return f.SetCellFormula("Sheet1", "B4", "SUM(B2:B3)") }),
		"stands apart":    build(func(f *excelize.File) error { return f.SetCellValue("Sheet1", "A6", "Seen by Ann") }),
		"under the table": build(func(f *excelize.File) error {
			return errorsJoin(table(f), f.SetCellValue("Sheet1", "B7", "Total"))
		}),
		"row of totals": with(t, build(table), "xl/tables/table1.xml", `ref="A1:C3"`, `totalsRowCount="1" ref="A1:C3"`),
		"no room":       build(func(f *excelize.File) error { return f.SetCellValue("Sheet1", "A1048576", "Last") }),
		"is damaged":    with(t, build(table), "xl/worksheets/sheet1.xml", "</row>", "</roe>"),
	} {
		if want == "no room" {
			data = with(t, data, "xl/worksheets/sheet1.xml", `<row r="3"`, `<row r="1048575"`)
			data = with(t, data, "xl/worksheets/sheet1.xml", `3"`, `1048575"`)
		}
		var out bytes.Buffer
		_, err := existing(t, data).Append(t.Context(), &out, texts("b", purchases), all([]*batch.Image{image(1, "one", []string{"Desk"})}), export.AppendOptions{Partial: true})
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), want) || out.Len() != 0 {
			t.Errorf("%q: got %v, %d bytes", want, err, out.Len())
		}
	}
	_, err := existing(t, persons(t)).Match(t.Context(), texts("b", purchases), all(nil), export.AppendOptions{Sheet: "October"})
	if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "October") {
		t.Errorf("an unknown sheet: %v", err)
	}
}

// fullDisk takes n bytes and no more.
type fullDisk struct{ n int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.n -= len(b); d.n < 0 {
		return 0, errFull
	}
	return len(b), nil
}

var errFull = errors.New("the disk is full")

func TestAFailingDiskIsAnErrorAtEveryByte(t *testing.T) {
	t.Parallel()
	old, b := persons(t), texts("b", purchases)
	images := []*batch.Image{image(1, "one", []string{"Desk", "2026-11-03", "$5", "S"})}
	now, _ := appended(t, old, b, export.AppendOptions{Partial: true}, images...)
	for n := 0; n < len(now); n += 97 {
		if _, err := existing(t, old).Append(t.Context(), &fullDisk{n}, b, all(images), export.AppendOptions{Partial: true}); !errors.Is(err, errFull) {
			t.Fatalf("after %d of %d bytes: %v", n, len(now), err)
		}
	}
}
