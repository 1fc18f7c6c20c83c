package e2e_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkUploadIntoDraft sends single pictures of 1,200 × 900 to the real server, in turn into an empty draft and into one
// of 4,000 pictures, and compares the medians. The same with pictures of 80 × 60, which cost hardly more than the storing.
func BenchmarkUploadIntoDraft(b *testing.B) {
	const images, pairs = 4000, 100
	for b.Loop() {
		p := run(b, "SHEETLIFT_DATA="+b.TempDir()+"/data", "SHEETLIFT_MAX_IMAGES=5000", "SHEETLIFT_TESSERACT=/nowhere")
		full := p.draft(b, nil)
		var next atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for n := next.Add(1); n <= images; n = next.Add(1) {
					p.upload(b, full, int(n), noise(int(n), 80, 60))
				}
			})
		}
		all.Wait()
		n := images
		for _, size := range []struct {
			name          string
			width, height int
		}{{"1200x900", 1200, 900}, {"80x60", 80, 60}} {
			var empty, into []time.Duration
			for range pairs {
				n++
				picture := noise(n, size.width, size.height)
				into = append(into, p.upload(b, full, n, picture))
				empty = append(empty, p.upload(b, p.draft(b, nil), 1, picture))
			}
			slices.Sort(empty)
			slices.Sort(into)
			b.ReportMetric(float64(empty[pairs/2].Microseconds())/1000, size.name+"-ms-empty")
			b.ReportMetric(float64(into[pairs/2].Microseconds())/1000, size.name+"-ms-4000")
			b.ReportMetric(float64(into[pairs/2])/float64(empty[pairs/2]), size.name+"-×")
		}
		p.stop()
	}
}

// upload sends one picture into a draft and returns how long that took.
func (p *process) upload(b *testing.B, id string, n int, picture []byte) time.Duration {
	b.Helper()
	url := fmt.Sprintf("%s/batches/%s/images/picture-%05d?position=%d&filename=%d.jpg", p.url, id, n, n, n)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPut, url, bytes.NewReader(picture))
	if err != nil {
		b.Error(err)
		return 0
	}
	begun := time.Now()
	if code, answer := p.do(b, req); code != http.StatusCreated {
		b.Errorf("%d: %v", code, answer)
	}
	return time.Since(begun)
}

// noise returns the JPEG of a picture of coarse grey squares; no two of them look alike.
func noise(seed, width, height int) []byte {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	m := image.NewGray(image.Rect(0, 0, width, height))
	var squares [20 * 15]byte
	for i := range squares {
		squares[i] = byte(r.Uint32())
	}
	for y := range height {
		for x := range width {
			m.SetGray(x, y, color.Gray{Y: squares[y*15/height*20+x*20/width]})
		}
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, m, nil); err != nil {
		panic(err) // a fault of this benchmark
	}
	return data.Bytes()
}
