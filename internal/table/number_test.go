package table_test

import (
	"strings"
	"testing"

	"sheetlift/internal/table"
)

func TestNumbersAreReadWithoutLossAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "3": "3", " 12 ": "12", "+5": "5", "0,123": "0.123", "0.123": "0.123", "1,234.50": "1234.50", "1.234,50": "1234.50", "12,5": "12.5", "1234.567": "1234.567",
		"1234,5": "1234.5", "12345,678": "12345.678", ".5": "0.5", ",500": "0.500", "-0": "0", "-0.00": "0.00", "007": "7", "12345678901234567890": "12345678901234567890", "12,34": "12.34",
		// Every kind of space and apostrophe between thousands.
		"1 234 567,89": "1234567.89", "1\u00A0234": "1234", "1\u2007234": "1234", "1\u202F234,5": "1234.5", "1\u2009234": "1234", "1\u2003234": "1234", "1'234.5": "1234.5", "1’234.5": "1234.5", "1‘234": "1234",
		// Groups, also as in India.
		"1,234,567": "1234567", "1.234.567": "1234567", "1,00,000": "100000", "12,34,567.50": "1234567.50", "1,23,45,678": "12345678",
		// Signs before and behind, and brackets.
		"-5": "-5", "−5": "-5", "–5": "-5", "‐5": "-5", "－5": "-5", "5-": "-5", "5 -": "-5", "5–": "-5", "5−": "-5", "(5)": "-5", "(1,234.50)": "-1234.50", "（5）": "-5",
		// Digits of other scripts.
		"１２": "12", "１，２３４．５０": "1234.50", "٣": "3", "١٢٫٥": "12.5", "١٬٢٣٤٫٥": "1234.5", "۱۲۳": "123", "१२": "12", "๑๒": "12", "𝟗𝟖": "98",
		"\u200e12\u200f": "12",
	} {
		if n, ok := table.ParseNumber(text, table.NoMark); !ok || n.Text != want || n.Unit != "" {
			t.Errorf("%q: %q %v, want %q", text, n.Text, ok, want)
		}
	}
	for _, text := range []string{"", " ", "-", "--5", "+-5", "-5-", "(-5)", "5+", "x", "1E10", "1e5", "0x1F", "1,2,3", "1.2.3", "1,23.4", "1.2,3.4", "192.168.1.1", "1,0000,000", "01,234,567",
		"1 2", "5.", "NaN", "Inf", "$", "$$", "$$5", "(5", "5)", "1/2", "½", "5²", "2024-01-02", "=1", "00.00.1", "1٢", "3 apples", "€5 USD", "5 €/kg", "1.250.-"} {
		if n, ok := table.ParseNumber(text, table.NoMark); ok {
			t.Errorf("%q was read as %q", text, n.Text)
		}
	}
	if n, _ := table.ParseNumber("00123.450", table.NoMark); n.Text != "123.450" || !n.Padded || n.Digits != 6 || n.Decimals != 3 || n.Proves != table.NoMark {
		t.Errorf("%+v", n)
	}
}

func TestACommaOrAPointIsReadAsTheMarkSaysAndOnlyThen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{ // with the comma, with the point
		"1,250": {"1.250", "1250"}, "12.500": {"12500", "12.500"}, "999,999": {"999.999", "999999"}, "-1.234": {"-1234", "-1.234"}, "1,250 €": {"1.250", "1250"}, "¥1,000": {"1.000", "1000"},
		"１，２５０": {"1.250", "1250"},
	} {
		if n, ok := table.ParseNumber(text, table.NoMark); ok || n.Proves != table.NoMark {
			t.Errorf("%q: read as %q without a mark", text, n.Text)
		}
		for i, mark := range []table.Mark{table.CommaMark, table.PointMark} {
			if n, ok := table.ParseNumber(text, mark); !ok || n.Text != want[i] || n.Proves != table.NoMark {
				t.Errorf("%q with the %s: %+v %v, want %s", text, mark, n, ok, want[i])
			}
		}
	}
	for text, want := range map[string]table.Mark{
		"12,75": table.CommaMark, "0,500": table.CommaMark, "1.234,56": table.CommaMark, "1.234.567": table.CommaMark, "1234,567": table.CommaMark, "1 234,567": table.CommaMark, ",5": table.CommaMark, "5,–": table.CommaMark,
		"1.250,-": table.CommaMark, "12.75": table.PointMark, "0.500": table.PointMark, "1,234.56": table.PointMark, "1,234,567": table.PointMark, "1,00,000": table.PointMark, "1'234.567": table.PointMark, "5.-": table.PointMark,
		"12": table.NoMark, "1 234": table.NoMark, "007.500": table.NoMark, "١٢٫٥": table.NoMark,
	} {
		for _, mark := range []table.Mark{table.NoMark, table.CommaMark, table.PointMark} { // a mark that is proved is not overruled
			if n, ok := table.ParseNumber(text, mark); !ok || n.Proves != want {
				t.Errorf("%q: %+v %v, proves %q, want %q", text, n, ok, n.Proves, want)
			}
		}
	}
}

func TestACurrencyOrUnitIsKeptApartFromItsNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]table.Numeral{
		"$9.90": {Text: "9.90", Before: "$", Unit: "$", Money: true}, "$ -9.90": {Text: "-9.90", Before: "$", Unit: "$", Money: true}, "-$9.90": {Text: "-9.90", Before: "$", Unit: "$", Money: true},
		"9,90 €": {Text: "9.90", After: "€", Unit: "EUR", Money: true}, "EUR 10,00": {Text: "10.00", Before: "EUR", Unit: "EUR", Money: true}, "£5": {Text: "5", Before: "£", Unit: "GBP", Money: true},
		"12,50 zł": {Text: "12.50", After: "zł", Unit: "PLN", Money: true}, "R$ 1.234,50": {Text: "1234.50", Before: "R$", Unit: "BRL", Money: true}, "99 Kč": {Text: "99", After: "Kč", Unit: "CZK", Money: true},
		"CHF 5.-": {Text: "5", Before: "CHF", Unit: "CHF", Money: true}, "5,– €": {Text: "5", After: "€", Unit: "EUR", Money: true}, "10.00 USD": {Text: "10.00", After: "USD", Unit: "USD", Money: true},
		"RM 12.00": {Text: "12.00", Before: "RM", Unit: "MYR", Money: true}, "Rs. 1,00,000": {Text: "100000", Before: "Rs.", Unit: "INR", Money: true}, "Rs.5": {Text: "5", Before: "Rs.", Unit: "INR", Money: true},
		"₹50": {Text: "50", Before: "₹", Unit: "INR", Money: true}, "$(5.00)": {Text: "-5.00", Before: "$", Unit: "$", Money: true}, "($5.00)": {Text: "-5.00", Before: "$", Unit: "$", Money: true}, "5.00- €": {Text: "-5.00", After: "€", Unit: "EUR", Money: true},
		"3 pcs": {Text: "3", After: "pcs", Unit: "pcs"}, "1.5kg": {Text: "1.5", After: "kg", Unit: "kg"}, "2 KG": {Text: "2", After: "KG", Unit: "kg"}, "4 m²": {Text: "4", After: "m²", Unit: "m2"}, "4 Stu\u0308ck": {Text: "4", After: "Stück", Unit: "stück"},
		"￥100": {Text: "100", Before: "￥", Unit: "¥", Money: true},
	} {
		n, ok := table.ParseNumber(text, table.NoMark)
		n.Digits, n.Decimals, n.Proves = 0, 0, ""
		if !ok || n != want {
			t.Errorf("%q: %+v %v, want %+v", text, n, ok, want)
		}
	}
}

func TestEachReasonWhyANumberStaysTextHasItsSentence(t *testing.T) {
	t.Parallel()
	answer := parse(t, table.Table{Columns: []table.Column{{Name: "Num", Type: table.Number}}}, "21-percent-message.txt")
	for text, words := range map[string]string{
		answer.Rows[0].Cells[0].Text: "percent sign", "12.5%": "percent sign", "５％": "percent sign", "1,250": "thousands or thousandths", "12.500": "thousands or thousandths", "3 apples": "no currency or unit",
		"5 €/kg": "no currency or unit", "many": "not a plain number", "1E10": "not a plain number", "1/2": "not a plain number",
	} {
		if got := (table.Column{Type: table.Number}).Broken(text); !strings.Contains(got, words) {
			t.Errorf("%q: %q, want %q", text, got, words)
		}
	}
}

// FuzzNumber: reading never fails, and a number that was read is exact: it is read the same again, with both marks where it
// has no fraction, and its digits are those of the text in their order.
func FuzzNumber(f *testing.F) {
	for _, text := range []string{"1,250", "12.5 %", "1,00,000", "٣٫٥ €", "5,–", "(1 234,5) zł", "-$5", "\u200e12", "１２", "0x1F", "1.250,-", ".,5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, mark := range []table.Mark{table.NoMark, table.CommaMark, table.PointMark} {
			n, ok := table.ParseNumber(text, mark)
			if !ok {
				continue
			}
			whole, fraction, _ := strings.Cut(strings.TrimPrefix(n.Text, "-"), ".")
			if whole == "" || len(fraction) != n.Decimals || strings.Trim(whole+fraction, "0123456789") != "" {
				t.Fatalf("%q was read as %+v", text, n)
			}
			if again, ok := table.ParseNumber(n.Text, table.PointMark); !ok || again.Text != n.Text {
				t.Fatalf("%q was read as %q, and that as %q %v", text, n.Text, again.Text, ok)
			}
		}
	})
}

func TestAValueIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	points := table.Column{Type: table.Number, Decimal: table.PointMark}
	commas := table.Column{Type: table.Number, Decimal: table.CommaMark}
	dates := table.Column{Type: table.Date, Dates: table.DayFirst}
	for _, c := range []struct {
		column     table.Column
		cell, want string
		found      bool
	}{
		{points, "1,250.00", "1250", true}, {points, "€ 1,250", "1250", true}, {points, "1,250", "€1250", false}, {points, "1,250", "125", false},
		{commas, "1.250", "1250", true}, {commas, "12,5", "12,50", true}, {commas, "1.250", "1250,1", false}, {points, "(20)", "-20", true},
		{dates, "4. März 2024", "2024-03-04", true}, {dates, "04/03/2024", "4 Mar 2024", true}, {dates, "04/03/2024", "2024-04-03", false},
		{table.Column{Type: table.Text}, "1,250", "1250", false}, {points, "twelve", "12", false}, {points, "", "0", false},
	} {
		if got := c.column.Holds(table.Cell{Text: c.cell}, c.want); got != c.found {
			t.Errorf("%q in %q: %v", c.want, c.cell, got)
		}
	}
}
