package table_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/table"
)

// parse reads an answer that is kept in testdata.
func parse(t *testing.T, want table.Table, file string) table.Answer {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := want.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDatesAreReadOnlyWhenTheyMeanOneDay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2024-12-25": "2024-12-25", "2024/1/2": "2024-01-02", "2024.01.02": "2024-01-02", "25/12/2024": "2024-12-25", "12/25/2024": "2024-12-25", "25.12.2024": "2024-12-25", "04/04/2024": "2024-04-04",
		" 29/02/2024 ": "2024-02-29", "31. 12. 2024": "2024-12-31", "25 - 12 - 2024": "2024-12-25", "25–12–2024": "2024-12-25", "2024年3月4日": "2024-03-04", "٢٥/١٢/٢٠٢٤": "2024-12-25", "２０２４／３／４": "2024-03-04",
		"9999-12-31": "9999-12-31", "31.12.9999": "9999-12-31", "2192-04-09": "2192-04-09",
		// English.
		"25 Dec 2024": "2024-12-25", "Dec 25, 2024": "2024-12-25", "25-DEC-2024": "2024-12-25", "December 25th 2024": "2024-12-25", "1st Sept 2024": "2024-09-01", "4-Mar-24": "2024-03-04", "12-Jan-19": "2019-01-12",
		"Mar 4, ’24": "2024-03-04", "4-Mar-98": "1998-03-04", "2024-Mar-04": "2024-03-04", "25Dec2024": "2024-12-25",
		// French, Spanish.
		"4 mars 2024": "2024-03-04", "1er août 2024": "2024-08-01", "14 juil. 2024": "2024-07-14", "3 fe\u0301vr. 2024": "2024-02-03", "6 juin 2024": "2024-06-06", "25 déc. 2024": "2024-12-25", "2 janv. 24": "2024-01-02",
		"25 dic 2024": "2024-12-25", "4 de marzo de 2024": "2024-03-04", "1 ene. 2024": "2024-01-01", "5 de agosto del 2024": "2024-08-05", "2 setiembre 2024": "2024-09-02",
		// German, Italian, Portuguese.
		"4. März 2024": "2024-03-04", "4. Maerz 2024": "2024-03-04", "24. Dez. 2024": "2024-12-24", "1. Jänner 2024": "2024-01-01", "3. Okt 2024": "2024-10-03", "4.MAI.2024": "2024-05-04",
		"1º gennaio 2024": "2024-01-01", "5 mag 2024": "2024-05-05", "6 giu. 2024": "2024-06-06", "7 lug 2024": "2024-07-07", "8 set 2024": "2024-09-08",
		"1 de março de 2024": "2024-03-01", "2 fev. 2024": "2024-02-02", "3 out 2024": "2024-10-03", "4/dez/2024": "2024-12-04",
	} {
		if d, ok := table.ParseDate(text, table.NoOrder); !ok || d.Format("2006-01-02") != want {
			t.Errorf("%q: %v %v, want %s", text, d, ok, want)
		}
	}
	for _, text := range []string{"", "03/04/2024", "25/12/24", "2024-13-01", "2023-02-29", "31/04/2024", "00/12/2024", "2024-12", "2024-12-25 10:00", "25/12-2024", "25 Foo 2024", "45651", "today", "0999-01-01",
		"4 jui 2024", "4 ma 2024", "13/13/2024", "2024年3月4", "2024-3月4日", "10000-01-01", "25/12/2567", "31 Dec 2567", "٢٥/12/2024"} {
		if d, ok := table.ParseDate(text, table.NoOrder); ok {
			t.Errorf("%q was read as %v", text, d)
		}
	}
}

func TestEachReasonWhyADateStaysTextHasItsSentence(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"25/12/2567": "Buddhist", "2567-12-25": "Buddhist", "4 mars 2567": "Buddhist", "03/04/2024": "other way round", "25/12/24": "two digits", "31/04/2024": "not clearly one date", "soon": "not clearly one date",
		"45/45/24": "not clearly one date",
	} {
		if got := (table.Column{Type: table.Date}).Broken(text); !strings.Contains(got, words) {
			t.Errorf("%q: %q, want %q", text, got, words)
		}
	}
}

// FuzzDate: reading never fails, and a date that was read is a day from 1000 to 9999 that is read the same again.
func FuzzDate(f *testing.F) {
	for _, text := range []string{"03/04/2024", "4 mars 2024", "4-Mar-24", "2024年3月4日", "25/12/2567", "31. 12. 2024", "9999-12-31", "1er août '24", "00/00/00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, order := range []table.DateOrder{table.NoOrder, table.DayFirst, table.MonthFirst} {
			d, ok := table.ParseDate(text, order)
			if !ok {
				continue
			}
			again, ok := table.ParseDate(d.Format(time.DateOnly), table.NoOrder)
			if !ok || !again.Equal(d) || d.Year() < 1000 || d.Year() > 9999 {
				t.Fatalf("%q was read as %v, and that as %v %v", text, d, again, ok)
			}
		}
	})
}
