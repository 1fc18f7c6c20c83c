package e2e_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkUploads sends 200 photos of 20 MB at once to the program in a process of its own and reports how far its memory
// rose above the idle level. Not one upload may fail.
func BenchmarkUploads(b *testing.B) {
	const uploads = 200
	photo := largePhoto(b)
	for b.Loop() {
		cmd, p := child(b, "SHEETLIFT_DATA="+b.TempDir()+"/data")
		id := p.draft(b, []file{{"first.jpg", sheets(1)[0].data}}) // so that the data that is made only once exists
		idle := memoryOf(b, cmd.Process.Pid, "VmRSS:")
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: uploads}}
		var failed atomic.Int32
		var all sync.WaitGroup
		for i := range uploads {
			all.Go(func() {
				address := fmt.Sprintf("%s/batches/%s/images/photo-%04d?position=%d&filename=%d.jpg", p.url, id, i, i+2, i)
				req, err := http.NewRequestWithContext(b.Context(), http.MethodPut, address, bytes.NewReader(photo))
				if err != nil {
					b.Error(err)
					return
				}
				res, err := client.Do(req)
				if err != nil {
					failed.Add(1)
					b.Error(err)
					return
				}
				defer res.Body.Close()
				if answer, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusCreated {
					failed.Add(1)
					b.Errorf("%s: %s", res.Status, answer)
				}
			})
		}
		all.Wait()
		b.ReportMetric(float64(failed.Load()), "failed")
		b.ReportMetric(idle, "MB-idle")
		b.ReportMetric(memoryOf(b, cmd.Process.Pid, "VmHWM:")-idle, "MB-above-idle")
		b.ReportMetric(float64(len(photo))/(1<<20), "MB-each")
	}
}

// largePhoto is a photo of 12 million pixels that packs into about 20 MB.
func largePhoto(b *testing.B) []byte {
	b.Helper()
	m := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range m.Y {
		m.Y[i] = byte(100 + r.Uint32()%120)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = byte(96+r.Uint32()%64), byte(96+r.Uint32()%64)
	}
	var data bytes.Buffer
	for quality := 99; ; quality-- {
		data.Reset()
		if err := jpeg.Encode(&data, m, &jpeg.Options{Quality: quality}); err != nil {
			b.Fatal(err)
		}
		if data.Len() <= 21<<20 {
			return data.Bytes()
		}
	}
}

// memoryOf returns one line of /proc/PID/status, such as "VmRSS:", in MB.
func memoryOf(b testing.TB, pid int, line string) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("memory is read from /proc, which is not here")
	}
	for l := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(l, line); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	return 0
}

// TestAnArchiveBecomesItsPictures sends a ZIP through the real doors, twice.
func TestAnArchiveBecomesItsPictures(t *testing.T) {
	t.Parallel()
	p := run(t)
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i, f := range sheets(3) {
		w, err := z.Create(fmt.Sprintf("room/sheet %d.jpg", 10-i))
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if w, err := z.Create("read me.txt"); err == nil {
		_, _ = io.WriteString(w, "Dear Sir or Madam,")
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	req := func(method, path string, body []byte) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "application/json")
		return r
	}
	_, made := p.do(t, req(http.MethodPost, "/batches", nil))
	for range 2 {
		code, got := p.do(t, req(http.MethodPut, fmt.Sprintf("/batches/%s/images/archive-1?filename=all.zip", made["id"]), packed.Bytes()))
		var names []string
		for _, m := range got["images"].([]any) {
			names = append(names, m.(map[string]any)["name"].(string))
		}
		if code != http.StatusCreated || strings.Join(names, ", ") != "sheet 8, sheet 9, sheet 10" {
			t.Errorf("%d: %v", code, got)
		}
	}
}
