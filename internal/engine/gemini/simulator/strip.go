package simulator

import (
	"bytes"
	"errors"
	"hash/crc32"
	"image"
	"image/draw"
	_ "image/jpeg" // the formats that Recognize is given
	_ "image/png"
)

// The strip is a row of black and white modules of one width: a black guard of guardModules, one white module, the
// number's bits (1 is black), the bits of its checksum, one white module, and the guard again. Two guards with the
// right width and distance are found anywhere on a line, at any scale.
const (
	dataBits     = 24
	sumBits      = 16
	guardModules = 3
	stripModules = guardModules + 1 + dataBits + sumBits + 1 + guardModules
)

// ErrNoStrip is returned for a picture without a readable strip.
var ErrNoStrip = errors.New("simulator: no strip found on the picture")

func checksum(n int) int {
	sum := crc32.ChecksumIEEE([]byte{byte(n >> 16), byte(n >> 8), byte(n), 's'})
	return int(sum>>16) ^ int(sum&0xffff)
}

func stripBits(n int) []bool {
	black := make([]bool, 0, stripModules)
	black = append(black, true, true, true, false)
	for i := dataBits - 1; i >= 0; i-- {
		black = append(black, n>>i&1 == 1)
	}
	sum := checksum(n)
	for i := sumBits - 1; i >= 0; i-- {
		black = append(black, sum>>i&1 == 1)
	}
	return append(black, false, true, true, true)
}

// drawStrip draws the strip of n well inside the picture, so that cropping the edges keeps it whole.
func drawStrip(img *image.Gray, n, top int) {
	const from, to = 2 * margin, sheetWidth - 2*margin
	for i, black := range stripBits(n) {
		if black {
			fill(img, image.Rect(from+i*(to-from)/stripModules, top, from+(i+1)*(to-from)/stripModules, top+stripTall), 8)
		}
	}
}

// Recognize returns the number of the sheet on the picture. It tolerates resizing, JPEG at quality 60 and cropped
// edges, and fails with ErrNoStrip rather than return a wrong number.
func Recognize(picture []byte) (int, error) {
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return 0, err
	}
	gray, ok := img.(*image.Gray)
	if !ok {
		gray = image.NewGray(img.Bounds())
		draw.Draw(gray, gray.Bounds(), img, img.Bounds().Min, draw.Src)
	}
	size := gray.Bounds().Size()
	step := max(1, size.Y/250)
	seen := map[int]int{}
	for y := size.Y - 1; y >= 0; y -= step {
		if n, ok := readLine(gray, y); ok {
			if seen[n]++; seen[n] == 2 {
				return n, nil
			}
		}
	}
	return 0, ErrNoStrip
}

type run struct{ from, to int }

// readLine searches line y for two guards and decodes the bits between them.
func readLine(gray *image.Gray, y int) (int, bool) {
	low := gray.Bounds().Min
	dark := func(x int) bool { return gray.GrayAt(low.X+x, low.Y+y).Y < 128 }
	width := gray.Bounds().Dx()
	var runs []run
	for x := 0; x < width; {
		if !dark(x) {
			x++
			continue
		}
		start := x
		for x < width && dark(x) {
			x++
		}
		runs = append(runs, run{start, x})
	}
	if len(runs) > 200 {
		return 0, false // noise or writing, not a strip
	}
	for i, a := range runs {
		for _, b := range runs[i+1:] {
			module := float64(b.to-a.from) / stripModules
			if module < 2 || !guard(a, module) || !guard(b, module) {
				continue
			}
			if n, ok := readModules(dark, a.from, module); ok {
				return n, true
			}
		}
	}
	return 0, false
}

func guard(r run, module float64) bool {
	k := float64(r.to-r.from) / module
	return k > guardModules-0.6 && k < guardModules+0.6
}

func readModules(dark func(int) bool, from int, module float64) (int, bool) {
	bit := func(i int) int {
		if dark(from + int((float64(i)+0.5)*module)) {
			return 1
		}
		return 0
	}
	n, sum := 0, 0
	for i := range dataBits {
		n = n<<1 | bit(guardModules+1+i)
	}
	for i := range sumBits {
		sum = sum<<1 | bit(guardModules+1+dataBits+i)
	}
	return n, sum == checksum(n) && bit(guardModules) == 0 && bit(stripModules-guardModules-1) == 0
}
