package export_test

import (
	"fmt"
	"strings"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/export"
)

func TestEverySheetIsPrintedLandscapeAndFitsThePageInWidth(t *testing.T) {
	t.Parallel()
	b := inventory(t)
	f := open(t, write(t, b, image(1, "Hall A", []string{"Lamp"}), image(2, "R&D, shelf 12", []string{"Chair"})))
	titles := map[string]string{}
	for _, name := range f.GetDefinedName() {
		if name.Name == "_xlnm.Print_Titles" {
			titles[name.Scope] = name.RefersTo
		}
	}
	for sheet, name := range map[string]string{"All rows": b.Name, "Summary": b.Name, "Problems": b.Name, "Hall A": "Hall A", "R&D, shelf 12": "R&&D, shelf 12"} {
		layout, err := f.GetPageLayout(sheet)
		if err != nil || *layout.Orientation != "landscape" || *layout.Size != 9 || *layout.FitToWidth != 1 || *layout.FitToHeight != 0 {
			t.Errorf("%s is laid out as %+v, %v", sheet, layout, err)
		}
		if props, err := f.GetSheetProps(sheet); err != nil || props.FitToPage == nil || !*props.FitToPage {
			t.Errorf("%s does not fit the page: %+v, %v", sheet, props, err)
		}
		if footer, err := f.GetHeaderFooter(sheet); err != nil || footer.OddFooter != "&L"+name+"&R&P / &N" {
			t.Errorf("the footer of %s is %+v, %v", sheet, footer, err)
		}
		if want := "'" + sheet + "'!$1:$1"; titles[sheet] != want && sheet != "Summary" {
			t.Errorf("the heading row of %s is %q, want %q", sheet, titles[sheet], want)
		}
	}
}

func TestTheFooterOfALongNameFits(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("&", 300), strings.Repeat("😀", 300), "two\nlines\x00", "&P&\"Arial\"&D", ""} {
		f := open(t, write(t, texts("b", nil), image(1, name, []string{"x"})))
		sheet := f.GetSheetList()[3]
		footer, err := f.GetHeaderFooter(sheet)
		left, page := strings.CutSuffix(footer.OddFooter, "&R&P / &N")
		if err != nil || !page || !strings.HasPrefix(left, "&L") {
			t.Errorf("the footer of %q is %+v, %v", name, footer, err)
		}
		if rest := strings.ReplaceAll(strings.TrimPrefix(left, "&L"), "&&", ""); strings.ContainsAny(rest, "&\n\x00") {
			t.Errorf("the footer of %q has a code: %q", name, footer.OddFooter)
		}
	}
}

func TestAThousandSheetsHaveTheirHeadingsRepeated(t *testing.T) {
	t.Parallel()
	var images []*batch.Image
	for n := range export.MaxImageSheets {
		images = append(images, image(n+1, fmt.Sprint("Sheet ", n+1), []string{"x"}))
	}
	f := open(t, write(t, inventory(t), images...))
	n := 0
	for _, name := range f.GetDefinedName() {
		if name.Name == "_xlnm.Print_Titles" {
			n++
		}
	}
	if n != export.MaxImageSheets+2 {
		t.Errorf("%d sheets repeat their heading row", n)
	}
}
