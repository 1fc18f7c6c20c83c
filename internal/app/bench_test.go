package app_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkBatch drives 100 pictures through a simulated Gemini that takes 1.2 s a call, 5 at once, from Start to the
// last image completed. The ideal is 100 / 5 × 1.2 s = 24 s.
func BenchmarkBatch(b *testing.B) {
	const images, atOnce, call = 100, 5, 1200 * time.Millisecond
	files := sheets(images)
	for b.Loop() {
		gemini, environ := fake(b, 6, call)
		p := run(b, append(environ, "SHEETLIFT_DATA="+b.TempDir()+"/data")...)
		code, started := p.post(b, "?max_concurrent="+strconv.Itoa(atOnce), files)
		if code != 200 {
			b.Fatalf("%d: %v", code, started)
		}
		id := started["job_id"].(string)
		if status := p.ended(b, id, 5*time.Minute); status["completed_images"] != float64(images) {
			b.Fatalf("ended with %v", status)
		}
		checkRows(b, p.workbook(b, id), wantRows(images))
		calls := gemini.Calls()
		first, last := calls[0].At, calls[0].At
		for _, c := range calls {
			first = minTime(first, c.At)
			if end := c.At.Add(c.Took); end.After(last) {
				last = end
			}
		}
		_, status := p.get(b, "/batch-status/"+id)
		took := elapsed(b, status)
		ideal := time.Duration(images/atOnce) * call
		b.ReportMetric(took.Seconds(), "s/batch")
		b.ReportMetric(took.Seconds()/ideal.Seconds(), "×ideal")
		b.ReportMetric(float64(len(calls))/images, "calls/image")
		b.ReportMetric(peakMB(b), "MB-peak")
		p.stop()
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// elapsed is the time from Start to the end, as the program itself tells it.
func elapsed(b *testing.B, status map[string]any) time.Duration {
	b.Helper()
	parse := func(field string) time.Time {
		at, err := time.Parse(time.RFC3339, status[field].(string))
		if err != nil {
			b.Fatal(err)
		}
		return at
	}
	return parse("completed_at").Sub(parse("created_at"))
}

// peakMB is the most memory this process ever had, with the simulated Gemini in it.
func peakMB(b *testing.B) float64 {
	b.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("the peak of memory is read from /proc, which is not here")
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	return 0
}
