package simulator

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Sheet is a drawn inventory sheet with the result of a perfect reading.
type Sheet struct {
	N      int        // the number in the strip at the bottom, 0 to MaxSheet
	JPEG   []byte     // the picture, quality 85
	Width  int        // pixels
	Height int        // pixels
	Header []string   // the column names as drawn
	Rows   [][]string // 3 to 12 rows, cells in the order of Header; "" is a blank cell
}

// MaxSheet is the largest sheet number.
const MaxSheet = 1<<dataBits - 1

const (
	sheetWidth = 1000
	margin     = 50
	titleTop   = 46
	tableTop   = 118
	rowHeight  = 44
	stripGap   = 34
	stripTall  = 36
)

var header = []string{"Item_Description", "Quantity", "Serial_Number", "Tag_Number", "Status"}

// left edges of the columns and the right edge of the table
var columnEdges = []int{margin, 320, 420, 662, 822, sheetWidth - margin}

// Header returns the column names of every drawn sheet.
func Header() []string { return append([]string(nil), header...) }

// Rows returns the rows of sheet n without drawing it. The same n always gives the same rows, and the tag numbers
// contain n, so that two sheets never share a row.
func Rows(n int) [][]string {
	r := rand.New(rand.NewPCG(uint64(n), 0x5ee7))
	items := []string{
		"Pump, centrifugal", "Valve 3/4\"", "Motor 5 HP", "Filter cartridge", "Pressure gauge", "Ladder, aluminium",
		"Hose reel & nozzle", "Fire extinguisher", "Cable drum <50 m>", "Battery 12V", "Office chair", "Monitor 24in",
		"Router", "Label printer", "Fork lift", "Drill press", "Torque wrench", "Safety cabinet",
	}
	states := []string{"Good", "Fair", "Poor", "In repair", "Missing", "N/A"}
	rows := make([][]string, 3+r.IntN(10))
	for i := range rows {
		rows[i] = []string{
			items[r.IntN(len(items))],
			strconv.Itoa(1 + r.IntN(240)),
			serial(r),
			fmt.Sprintf("T%07d-%02d", n, i+1),
			states[r.IntN(len(states))],
		}
	}
	if len(rows) > 5 {
		rows[r.IntN(len(rows))][4] = ""
	}
	return rows
}

// serial returns a serial number, half of them of the kinds that spreadsheets like to corrupt.
func serial(r *rand.Rand) string {
	traps := []string{
		"00123", "1E10", "=SUM(1)", "007", "1/2", "TRUE", "-5", "+49 30 1234", "@home", "2024-01-02", "0x1F", "1.10",
	}
	switch k := r.IntN(4); {
	case k == 0:
		return traps[r.IntN(len(traps))]
	case k == 1:
		return fmt.Sprintf("%010d%010d", 1_000_000_000+r.Int64N(8_999_999_999), r.Int64N(9_999_999_999))
	default:
		return fmt.Sprintf("SN%c%c-%06d", 'A'+rune(r.IntN(26)), 'A'+rune(r.IntN(26)), r.IntN(1_000_000))
	}
}

// Draw draws sheet n (modulo MaxSheet+1). It takes a few milliseconds and is safe for concurrent use.
func Draw(n int) Sheet { return drawSheet(n, true) }

// DrawUnmarked draws sheet n without its strip: a person can read it, and the simulator cannot.
func DrawUnmarked(n int) Sheet { return drawSheet(n, false) }

func drawSheet(n int, marked bool) Sheet {
	n &= MaxSheet
	rows := Rows(n)
	stripTop, height := stripAt(len(rows))
	img := image.NewGray(image.Rect(0, 0, sheetWidth, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.Gray{Y: 252}), image.Point{}, draw.Src)

	letters().bold.write(img, margin, titleTop, fmt.Sprintf("INVENTORY SHEET No. %d", n))
	letters().plain.write(img, margin, titleTop+32, "Please count every line and sign below.")
	drawTable(img, rows)
	if marked {
		drawStrip(img, n, stripTop)
	}

	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 85}); err != nil {
		panic(err) // a gray picture in memory always encodes
	}
	return Sheet{N: n, JPEG: out.Bytes(), Width: sheetWidth, Height: height, Header: Header(), Rows: rows}
}

// stripAt returns the top of the strip and the height of a sheet with this number of rows.
func stripAt(rows int) (top, height int) {
	top = tableTop + rowHeight*(rows+1) + stripGap
	return top, top + stripTall + stripGap
}

// place returns the position of a row on a sheet: top, left, bottom and right in thousandths, as Gemini reports it.
func place(row, rows int) [4]int {
	_, height := stripAt(rows)
	top := tableTop + rowHeight*(row+1)
	return [4]int{
		top * 1000 / height, margin * 1000 / sheetWidth,
		(top + rowHeight) * 1000 / height, (sheetWidth - margin) * 1000 / sheetWidth,
	}
}

func drawTable(img *image.Gray, rows [][]string) {
	right, bottom := columnEdges[len(columnEdges)-1], tableTop+rowHeight*(len(rows)+1)
	fill(img, image.Rect(margin, tableTop, right, tableTop+rowHeight), 222)
	for i := range len(rows) + 2 {
		y := tableTop + i*rowHeight
		fill(img, image.Rect(margin, y, right+2, y+2), 90)
	}
	for _, x := range columnEdges {
		fill(img, image.Rect(x, tableTop, x+2, bottom+2), 90)
	}
	for i, cells := range append([][]string{header}, rows...) {
		face := letters().plain
		if i == 0 {
			face = letters().bold
		}
		for c, text := range cells {
			face.write(img, columnEdges[c]+8, tableTop+i*rowHeight+29, text)
		}
	}
}

func fill(img *image.Gray, r image.Rectangle, y uint8) {
	draw.Draw(img, r, image.NewUniform(color.Gray{Y: y}), image.Point{}, draw.Src)
}

// glyph is one letter, rasterised once.
type glyph struct {
	mask    *image.Alpha
	dx, dy  int // from the pen to the mask's top left
	advance fixed.Int26_6
}

type alphabet map[rune]glyph

// letters holds the glyphs of the two faces; the font package's faces are neither fast nor safe to share.
var letters = sync.OnceValue(func() (l struct{ plain, bold alphabet }) {
	l.plain = rasterise(goregular.TTF, 19)
	l.bold = rasterise(gobold.TTF, 19)
	return l
})

func rasterise(ttf []byte, size float64) alphabet {
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		panic(err) // the embedded fonts are valid
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic(err)
	}
	defer face.Close()
	all := alphabet{}
	for r := rune(' '); r <= '~'; r++ {
		dr, mask, at, advance, ok := face.Glyph(fixed.P(0, 0), r)
		if !ok {
			continue
		}
		copied := image.NewAlpha(image.Rect(0, 0, dr.Dx(), dr.Dy()))
		draw.Draw(copied, copied.Bounds(), mask, at, draw.Src)
		all[r] = glyph{copied, dr.Min.X, dr.Min.Y, advance}
	}
	return all
}

// write draws text with its baseline at y. Letters outside ASCII are drawn as a question mark.
func (a alphabet) write(img *image.Gray, x, y int, text string) {
	pen := fixed.I(x)
	for _, r := range strings.ToValidUTF8(text, "?") {
		g, ok := a[r]
		if !ok {
			g = a['?']
		}
		size := g.mask.Bounds().Size()
		at := image.Pt(pen.Round()+g.dx, y+g.dy)
		draw.DrawMask(img, image.Rectangle{Min: at, Max: at.Add(size)}, image.Black, image.Point{}, g.mask, image.Point{}, draw.Over)
		pen += g.advance
	}
}
