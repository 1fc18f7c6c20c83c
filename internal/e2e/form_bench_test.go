package e2e_test

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sheetlift/internal/imaging"
)

// BenchmarkUploadInOneRequest sends 600 sheets of 1,200 × 900 in one form to the program in a process of its own, and prepares
// the same sheets by the same code in a loop, in turn. It compares the CPU time of both, and how long the request took with that
// time spread over all cores. Orientation is not checked.
func BenchmarkUploadInOneRequest(b *testing.B) {
	const images, rounds = 600, 3
	pictures := make([][]byte, images)
	for i := range pictures {
		pictures[i] = sheetOf(b, sheets(images)[i].data, 1200, 900)
	}
	body, kind := formOf(b, pictures)
	for b.Loop() {
		cmd, p := child(b, "SHEETLIFT_DATA="+b.TempDir()+"/data", "SHEETLIFT_MAX_IMAGES=5000", "SHEETLIFT_TESSERACT=/nowhere")
		var cpu, wall, ideal []time.Duration
		for range rounds {
			begun, used := time.Now(), cpuOf(b, cmd.Process.Pid)
			p.sendForm(b, body, kind)
			wall = append(wall, time.Since(begun))
			cpu = append(cpu, cpuOf(b, cmd.Process.Pid)-used)
			ideal = append(ideal, prepareInALoop(b, pictures))
		}
		for _, all := range [][]time.Duration{cpu, wall, ideal} {
			slices.Sort(all)
		}
		took, spent, least := wall[rounds/2], cpu[rounds/2], ideal[rounds/2]
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(spent.Seconds(), "s-CPU")
		b.ReportMetric(least.Seconds(), "s-CPU-of-the-loop")
		b.ReportMetric(float64(spent)/float64(least), "×-CPU")
		b.ReportMetric(float64(took)*float64(runtime.NumCPU())/float64(spent), "×-CPU-over-cores")
		b.ReportMetric(memoryOf(b, cmd.Process.Pid, "VmHWM:"), "MB-most")
	}
}

// sheetOf is the upper left part of a sheet in this size, as a JPEG in colour.
func sheetOf(b *testing.B, sheet []byte, width, height int) []byte {
	b.Helper()
	drawn, err := jpeg.Decode(bytes.NewReader(sheet))
	if err != nil {
		b.Fatal(err)
	}
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(m, m.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(m, m.Bounds(), drawn, image.Point{}, draw.Src)
	var data bytes.Buffer
	if err := jpeg.Encode(&data, m, &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	return data.Bytes()
}

// formOf is a form with pictures, as a browser without scripts sends it.
func formOf(b *testing.B, pictures [][]byte) (body []byte, kind string) {
	b.Helper()
	var data bytes.Buffer
	form := multipart.NewWriter(&data)
	for i, picture := range pictures {
		part, err := form.CreateFormFile("images", fmt.Sprintf("sheet-%03d.jpg", i+1))
		if err == nil {
			_, err = part.Write(picture)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.Fatal(err)
	}
	return data.Bytes(), form.FormDataContentType()
}

// sendForm makes a draft of a form.
func (p *process) sendForm(b *testing.B, body []byte, kind string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, p.url+"/batches", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || !strings.HasSuffix(res.Header.Get("Location"), "?step=names") {
		b.Fatalf("%s, %s", res.Status, res.Header.Get("Location"))
	}
}

// prepareInALoop prepares pictures one after the other in this process and returns the CPU time which that took.
func prepareInALoop(b *testing.B, pictures [][]byte) time.Duration {
	b.Helper()
	p := imaging.New(imaging.Limits{})
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	for _, picture := range pictures {
		for part, err := range p.Parts(b.Context(), "sheet.jpg", bytes.NewReader(picture), func(int) bool { return false }) {
			if err != nil || part.Refused != nil {
				b.Fatal(err, part.Refused)
			}
		}
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	return time.Duration(after.Utime.Nano() - before.Utime.Nano() + after.Stime.Nano() - before.Stime.Nano())
}

// cpuOf is the CPU time that a process has used so far.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("CPU time is read from /proc, which is not here")
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	var ticks int
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
