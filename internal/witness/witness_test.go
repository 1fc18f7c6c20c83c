package witness_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/table"
	"sheetlift/internal/witness"
)

// sheet returns rows and lines from texts with a bar between two cells.
func sheet(texts ...string) (rows []table.Row, lines [][]string) {
	for _, text := range texts {
		var row table.Row
		cells := strings.Split(text, "|")
		for _, c := range cells {
			row.Cells = append(row.Cells, table.Cell{Text: c, State: table.Read})
		}
		rows, lines = append(rows, row), append(lines, cells)
	}
	return rows, lines
}

var whole = []string{"Chair|12|SN-100|10.50", "Desk|7|SN-101|99.00", "Lamp|30|SN-102|5.25", "Shelf|4|SN-103|45.10"}

// disputed lists the disputed cells as row, column and the text of the witness.
func disputed(r witness.Result) (all []string) {
	for i, cells := range r.Cells {
		for j, v := range cells {
			if v == witness.Disputed {
				all = append(all, fmt.Sprintf("%d %d %s", i, j, r.Other[i][j]))
			}
		}
	}
	return all
}

func TestOneDigitThatDiffersIsDisputedAndTheOtherTextIsTold(t *testing.T) {
	t.Parallel()
	rows, _ := sheet("Chair|12|SN-100|10.50", "Desk|7|SN-101|99.00", "Lamp|30|SN-162|5.25", "Shelf|4|SN-103|45.10")
	_, lines := sheet(append([]string{"Item|Qty|Serial|Price"}, whole...)...)
	r := witness.Compare(rows, lines)
	if got := disputed(r); !slices.Equal(got, []string{"2 2 SN-102"}) || len(r.Lost) > 0 {
		t.Errorf("disputed are %q, lost %v", got, r.Lost)
	}
	if r.Cells[0][0] != witness.Agreed || r.Cells[2][3] != witness.Agreed {
		t.Errorf("the cells that are the same are %v", r.Cells)
	}
}

func TestSpacesAndKindsOfDashesAndQuotesAreNoDifference(t *testing.T) {
	t.Parallel()
	rows, _ := sheet("Chair – “blue”|1 250|SN–100", "Desk|7|SN-101")
	_, lines := sheet("Item|Qty|Serial", "Chair - \"blue\"|1250|SN-100", "Desk|7|SN - 101")
	if got := disputed(witness.Compare(rows, lines)); len(got) > 0 {
		t.Errorf("disputed are %q", got)
	}
}

func TestSignsThatLookAlikeAreNeitherConfirmedNorDisputed(t *testing.T) {
	t.Parallel()
	rows, _ := sheet("Chair|12|SN-1O0|10.50", "Desk|7|SN-101|99.00")
	_, lines := sheet("Item|Qty|Serial|Price", "Chair|12|SN-100|10.50", "Desk|7|SN-101|99.00")
	r := witness.Compare(rows, lines)
	if r.Cells[0][2] != witness.Unseen {
		t.Errorf("SN-1O0 beside SN-100 is %v", r.Cells[0][2])
	}
}

func TestAPointForACommaIsDisputed(t *testing.T) {
	t.Parallel()
	rows, _ := sheet("Chair|12|SN-100|10,50", "Desk|7|SN-101|99.00")
	_, lines := sheet("Item|Qty|Serial|Price", "Chair|12|SN-100|10.50", "Desk|7|SN-101|99.00")
	if got := disputed(witness.Compare(rows, lines)); !slices.Equal(got, []string{"0 3 10.50"}) {
		t.Errorf("disputed are %q", got)
	}
}

func TestARowThatIsMissingIsToldAtItsPlace(t *testing.T) {
	t.Parallel()
	for gone := range whole {
		rows, _ := sheet(slices.Concat(whole[:gone], whole[gone+1:])...)
		_, lines := sheet(append([]string{"Item|Qty|Serial|Price"}, whole...)...)
		r := witness.Compare(rows, lines)
		if len(r.Lost) != 1 || r.Lost[0].After != gone-1 || r.Lost[0].Text != strings.ReplaceAll(whole[gone], "|", " ") {
			t.Errorf("without row %d: %+v", gone, r.Lost)
		}
		if got := disputed(r); len(got) > 0 {
			t.Errorf("without row %d disputed are %q", gone, got)
		}
	}
}

func TestALineThatTheWitnessCouldHardlyReadIsNoLostRowAndNotCompared(t *testing.T) {
	t.Parallel()
	rows, _ := sheet(whole...)
	_, lines := sheet("Item|Qty|Serial|Price", whole[0], "Dcek|?|SH 1l1|gg oo", whole[2], whole[3])
	r := witness.Compare(rows, lines)
	if len(r.Lost) > 0 || len(disputed(r)) > 0 || r.Cells[1][1] != witness.Unseen {
		t.Errorf("%+v", r)
	}
}

func TestACellThatIsWrappedOverLinesIsOneCell(t *testing.T) {
	t.Parallel()
	rows, _ := sheet("Chair with arms, blue|12|SN-100", "Desk|7|SN-101")
	_, lines := sheet("Item|Qty|Serial", "Chair with|12|SN-100", "arms, blue||", "Desk|7|SN-101")
	r := witness.Compare(rows, lines)
	if len(r.Lost) > 0 || len(disputed(r)) > 0 || r.Cells[0][0] != witness.Agreed {
		t.Errorf("%+v", r)
	}
}

func TestAValueOfTheNextCellDoesNotConfirm(t *testing.T) {
	t.Parallel()
	rows, _ := sheet("Chair|12|12|SN-100", "Desk|7|8|SN-101")
	_, lines := sheet("Item|Bought|Left|Serial", "Chair|12|11|SN-100", "Desk|7|8|SN-101")
	if got := disputed(witness.Compare(rows, lines)); !slices.Equal(got, []string{"0 2 11"}) {
		t.Errorf("disputed are %q", got)
	}
}

func TestNothingToCompareWithIsNoDifference(t *testing.T) {
	t.Parallel()
	rows, lines := sheet(whole...)
	for name, r := range map[string]witness.Result{"no lines": witness.Compare(rows, nil), "no rows": witness.Compare(nil, nil), "no rows, lines": witness.Compare(nil, lines[:1])} {
		if len(disputed(r)) > 0 || len(r.Lost) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestMoreRowsThanCanBeComparedAreLeftAlone(t *testing.T) {
	t.Parallel()
	var texts []string
	for i := range 2100 {
		texts = append(texts, fmt.Sprintf("Chair|%d", i))
	}
	rows, lines := sheet(texts...)
	r := witness.Compare(rows, lines)
	if len(r.Cells) != 2100 || r.Cells[7][0] != witness.Unseen || len(r.Other[7]) != 2 || len(r.Lost) > 0 {
		t.Errorf("%d rows, the eighth is %v", len(r.Cells), r.Cells[7])
	}
}

// FuzzCompare holds the comparison to its shape for any texts.
func FuzzCompare(f *testing.F) {
	f.Add("Chair|12\nDesk|7", "Item|Qty\nChair|12\nDesk|1")
	f.Add("|\n||x", "\n\n|")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 2000 {
			t.Skip("long texts only take longer")
		}
		rows, _ := sheet(strings.Split(a, "\n")...)
		_, lines := sheet(strings.Split(b, "\n")...)
		r := witness.Compare(rows, lines)
		if len(r.Cells) != len(rows) || len(r.Other) != len(rows) {
			t.Fatalf("%d rows became %d and %d", len(rows), len(r.Cells), len(r.Other))
		}
		for i := range rows {
			if len(r.Cells[i]) != len(rows[i].Cells) || len(r.Other[i]) != len(rows[i].Cells) {
				t.Fatalf("row %d has %d cells, %d verdicts", i, len(rows[i].Cells), len(r.Cells[i]))
			}
			for j, c := range rows[i].Cells {
				if strings.TrimSpace(c.Text) == "" && r.Cells[i][j] != witness.Unseen {
					t.Fatalf("a blank cell is %v", r.Cells[i][j])
				}
			}
		}
		for _, l := range r.Lost {
			if l.After < -1 || l.After >= len(rows) {
				t.Fatalf("a row is lost after %d of %d", l.After, len(rows))
			}
		}
	})
}

// BenchmarkCompare compares a sheet of 400 rows, the largest that is expected.
func BenchmarkCompare(b *testing.B) {
	texts := []string{"Item|Qty|Serial|Price"}
	for i := range 400 {
		texts = append(texts, fmt.Sprintf("Chair %d with arms|%d|SN-%d|%d.%02d", i, i%40, 1000+i, i*7%90, i%100))
	}
	rows, lines := sheet(texts...)
	for b.Loop() {
		if r := witness.Compare(rows[1:], lines); len(r.Lost) > 0 {
			b.Fatal(r.Lost)
		}
	}
}
