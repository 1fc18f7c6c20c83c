package e2e_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var photos = flag.Int("photos", 0, "send so many phone photos of 12 megapixels from a browser and report what travels")

// TestPhonePhotosTravelLight reports the bytes that 500 phone photos of 4 MB take on the network, measured on some of them.
func TestPhonePhotosTravelLight(t *testing.T) {
	if *photos < 1 {
		t.Skip("a report over photos of 4 MB, a second of CPU each: run make bench-photos")
	}
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	files, weight := phonePhotos(t, *photos)
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.until("document.querySelector('#lighter')?.checked")
	b.countSent()
	start := time.Now()
	for some := range slices.Chunk(files, 10) { // a browser is told the names of all files in one message
		b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), some))
	}
	for n := 10; n <= len(files); n += 10 {
		b.until(fmt.Sprintf("document.querySelectorAll('#cards img').length >= %d", n))
	}
	b.until(fmt.Sprintf("document.querySelectorAll('#cards img').length == %d", len(files)))
	took := time.Since(start)
	sent := b.sent()
	for name, f := range b.drafted(p) {
		if max(f.Width, f.Height) != 2000 {
			t.Errorf("%s is kept as %d × %d", name, f.Width, f.Height)
		}
	}
	n := float64(len(files))
	t.Logf("%d photos of %.1f MB: %.0f MB are sent instead of %.0f, %.2f MB each, in %s; 500 would be %.0f MB instead of %.0f",
		len(files), float64(weight)/n/1e6, float64(sent)/1e6, float64(weight)/1e6, float64(sent)/n/1e6, took.Round(time.Second),
		float64(sent)/n*500/1e6, float64(weight)/n*500/1e6)
	if float64(sent)/n*500 > 250e6 {
		t.Error("500 of them are more than 250 MB")
	}
}

// phonePhotos writes n photos of sheets of 12 megapixels and about 4 MB: the photos of the sample data in turn, each with
// sensor noise of its own. It returns the files and their size together.
func phonePhotos(t *testing.T, n int) (files []string, weight int) {
	t.Helper()
	dir := t.TempDir()
	keep := func(data []byte) {
		files = append(files, filepath.Join(dir, fmt.Sprintf("IMG_%04d.jpg", len(files)+1)))
		write(t, files[len(files)-1], data)
		weight += len(data)
	}
	names, err := filepath.Glob(samples + "/photos/*_12mp.jpg")
	if err != nil || len(names) == 0 {
		t.Skip("the sample data folder is not beside the checkout", err)
	}
	var sheets []*image.YCbCr
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		sheets = append(sheets, m.(*image.YCbCr))
	}
	r := rand.New(rand.NewPCG(4, 12))
	for len(files) < n {
		m := *sheets[len(files)%len(sheets)]
		m.Y = slices.Clone(m.Y)
		for i := 0; i+8 <= len(m.Y); i += 8 {
			for noise, j := r.Uint64(), 0; j < 8; j++ {
				// The sum of two dice, from -14 to 14: the noise that is left after a phone's own smoothing.
				m.Y[i+j] = uint8(min(max(int(m.Y[i+j])+int(noise&15)+int(noise>>4&15)-15, 0), 255))
				noise >>= 8
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, &m, &jpeg.Options{Quality: 91}); err != nil {
			t.Fatal(err)
		}
		keep(b.Bytes())
	}
	return files, weight
}
