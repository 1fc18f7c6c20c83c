package export

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"sheetlift/internal/table"
)

// style is the index of a cell format in the workbook, in the order of addStyles.
type style int

// The formats. Each one below styleHeader has a second form for cells with an issue.
const (
	stylePlain  style = 0
	styleText   style = 1
	styleDate   style = 2
	styleNumber style = 3 // the first of maxDecimals+1: one for each number of decimals
)

const (
	maxDecimals       = 10
	styleHeader style = styleNumber + maxDecimals + 1
	styleLabel  style = styleHeader + 1
	styleDoubt  style = styleLabel               // added to a format from styleText on
	styleUnits  style = styleDoubt + styleHeader // the first of two for each of plan.formats; the second is for cells with an issue
)

func (s style) doubtful() bool {
	if s >= styleUnits {
		return (s-styleUnits)%2 == 1
	}
	return s > styleLabel
}

// doubt returns the format s with the colour for issues.
func (s style) doubt() style {
	if s >= styleUnits {
		return s + 1
	}
	return s + styleDoubt
}

// format is the display of a number with a currency or unit.
type format struct {
	before, after string
	money         bool
	decimals      int
}

// maxFormats is the limit of number formats in a workbook: Excel accepts little more than 200.
const maxFormats = 150

// styleOf returns the style of a number and adds a format if needed; false if there is no room for another one.
func (p *plan) styleOf(n table.Numeral) (style, bool) {
	if n.Unit == "" {
		return styleNumber + style(n.Decimals), true
	}
	one := format{n.Before, n.After, n.Money, n.Decimals}
	at := slices.Index(p.formats, one)
	if at < 0 {
		if len(p.formats) >= maxFormats {
			return 0, false
		}
		at = len(p.formats)
		p.formats = append(p.formats, one)
	}
	return styleUnits + style(2*at), true
}

// code returns the format in Excel's notation: currency or unit as on the sheet, money with thousands separators.
func (f format) code() string {
	digits := "0"
	if f.money {
		digits = "#,##0"
	}
	if f.decimals > 0 {
		digits += "." + "0000000000"[:f.decimals]
	}
	switch last, _ := utf8.DecodeLastRuneInString(f.before); {
	case f.after != "":
		return digits + `" ` + f.after + `"`
	case unicode.IsLetter(last) || last == '.':
		return `"` + f.before + ` "` + digits
	default:
		return `"` + f.before + `"` + digits
	}
}

// linkStyle is the format of a cell with a link, after all others.
func (p *plan) linkStyle() style { return styleUnits + style(2*len(p.formats)) }

// addStyles adds the formats to a new workbook, which has stylePlain already.
func (p *plan) addStyles(f *excelize.File) error {
	font := &excelize.Font{Family: "Calibri", Size: 11}
	var formats []*excelize.Style
	formats = append(formats, &excelize.Style{NumFmt: 49}, custom("yyyy-mm-dd"))
	for n := range maxDecimals + 1 {
		format := "0"
		if n > 0 {
			format += "." + "0000000000"[:n]
		}
		formats = append(formats, custom(format))
	}
	data := len(formats)
	formats = append(formats,
		&excelize.Style{
			NumFmt:    49,
			Font:      &excelize.Font{Family: font.Family, Size: font.Size, Bold: true, Color: "FFFFFF"},
			Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"1F4E5F"}},
			Alignment: &excelize.Alignment{Vertical: "center"},
		},
		&excelize.Style{NumFmt: 49, Font: &excelize.Font{Family: font.Family, Size: font.Size, Bold: true}},
	)
	fill := excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"FFF2CC"}}
	for _, s := range formats[:data] {
		formats = append(formats, &excelize.Style{NumFmt: s.NumFmt, CustomNumFmt: s.CustomNumFmt, Font: font, Fill: fill})
	}
	for _, one := range p.formats {
		code := one.code()
		formats = append(formats, &excelize.Style{CustomNumFmt: &code, Font: font}, &excelize.Style{CustomNumFmt: &code, Font: font, Fill: fill})
	}
	formats = append(formats, &excelize.Style{NumFmt: 49, Font: &excelize.Font{Family: font.Family, Size: font.Size, Color: "0563C1", Underline: "single"}})
	for i, s := range formats {
		if s.Font == nil {
			s.Font = font
		}
		id, err := f.NewStyle(s)
		if err != nil {
			return err
		}
		if id != i+1 {
			return errStyles
		}
	}
	return nil
}

func custom(format string) *excelize.Style { return &excelize.Style{CustomNumFmt: &format} }
