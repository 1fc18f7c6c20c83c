package imaging_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sheetlift/internal/imaging"
)

// BenchmarkPrepare12MP prepares a phone's photo: 12 million pixels, 4.6 MB, to 2,000 pixels and a thumbnail.
func BenchmarkPrepare12MP(b *testing.B) {
	data := asJPEG(b, photo(4032, 3024), 92)
	b.Logf("%d bytes", len(data))
	p := imaging.New(imaging.Limits{})
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Prepare(b.Context(), "photo.jpg", bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefusals measures each file of the sample folder that must be refused.
func BenchmarkRefusals(b *testing.B) {
	p := imaging.New(imaging.Limits{})
	for _, want := range truths(b) {
		if want.Expect != "reject" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(samples, want.File))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.TrimPrefix(want.File, "broken/"), func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Prepare(b.Context(), want.File, bytes.NewReader(data)); err == nil {
					b.Fatal("not refused")
				}
			}
		})
	}
}
