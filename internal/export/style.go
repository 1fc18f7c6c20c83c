package export

import "github.com/xuri/excelize/v2"

// style is the number of a cell's format in the workbook, in the order in which addStyles adds them.
type style int

// The formats. Every one below styleHeader has a twin for doubtful cells.
const (
	stylePlain  style = 0
	styleText   style = 1
	styleDate   style = 2
	styleNumber style = 3 // and one for each number of decimals
)

const (
	maxDecimals       = 10
	styleHeader style = styleNumber + maxDecimals + 1
	styleLabel  style = styleHeader + 1
	styleDoubt  style = styleLabel // added to the number of a format from styleText on
)

func (s style) doubtful() bool { return s > styleLabel }

// doubt is the format s with the colour of doubt.
func (s style) doubt() style { return s + styleDoubt }

// addStyles adds the formats to a new workbook, which has stylePlain already.
func addStyles(f *excelize.File) error {
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
