package imaging_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"sheetlift/internal/imaging"
)

// The words with which TestMain becomes a process whose cost is measured.
const (
	prepareOnce = "prepare-once" // one file to a picture and a thumbnail
	drawPhoto   = "draw-photo"   // a phone's photo of a sheet
)

// asMeasured performs one task and ends.
func asMeasured(word, name string) error {
	if word == drawPhoto {
		return os.WriteFile(name, asJPEG(new(testing.B), photo(4032, 3024), 92), 0o600)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for part, err := range imaging.New(imaging.Limits{TmpDir: filepath.Dir(name)}).Parts(context.Background(), name, f, func(int) bool { return false }) {
		if err != nil || part.Refused != nil {
			return errors.Join(err, part.Refused)
		}
	}
	return nil
}

// BenchmarkAgainstVips lets a process of ours and vipsthumbnail turn the same photo of 12 megapixels into a picture
// of 2,000 pixels and a thumbnail, alternately, and compares CPU time and memory, start-up included: the median of
// 7 each.
func BenchmarkAgainstVips(b *testing.B) {
	if _, err := exec.LookPath("vipsthumbnail"); err != nil {
		b.Skip("vipsthumbnail is not installed: make bench-images installs it")
	}
	dir := b.TempDir()
	noisy := filepath.Join(dir, "noisy.jpg")
	measured(b, self(b), drawPhoto, noisy)
	files := map[string]string{"noisy photo": noisy}
	for name, sample := range map[string]string{"simulated phone photo": "eu-004-p11-t10_o1", "the same lying": "eu-004-p8-t7_o6"} {
		data, err := os.ReadFile(filepath.Join(samples, "photos/photosim_"+sample+"_12mp.jpg"))
		if err != nil {
			b.Log("the sample data folder is not beside the checkout")
			continue
		}
		files[name] = filepath.Join(dir, sample+".jpg")
		if err := os.WriteFile(files[name], data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for name, file := range files {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				const rounds = 7
				var ours, theirs [rounds]time.Duration
				var oursMB, theirsMB float64
				for i := range rounds {
					cost, mb := measured(b, self(b), prepareOnce, file)
					ours[i], oursMB = cost, max(oursMB, mb)
					large, mb := measured(b, "vipsthumbnail", file, "--size", "2000", "-o", filepath.Join(dir, "large.jpg[Q=85]"))
					small, mb2 := measured(b, "vipsthumbnail", file, "--size", "256", "-o", filepath.Join(dir, "small.jpg[Q=85]"))
					theirs[i], theirsMB = large+small, max(theirsMB, mb, mb2)
				}
				slices.Sort(ours[:])
				slices.Sort(theirs[:])
				b.ReportMetric(float64(ours[rounds/2].Milliseconds()), "ours-CPU-ms")
				b.ReportMetric(float64(theirs[rounds/2].Milliseconds()), "vips-CPU-ms")
				b.ReportMetric(ours[rounds/2].Seconds()/theirs[rounds/2].Seconds(), "×vips")
				b.ReportMetric(oursMB, "ours-MB")
				b.ReportMetric(theirsMB, "vips-MB")
			}
		})
	}
}

// measured runs a program and returns its CPU time and its peak memory. The memory is never reported as less than
// this process has, so it must hold nothing large.
func measured(b *testing.B, program string, args ...string) (cpu time.Duration, mb float64) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), program, args...)
	cmd.Env = append(os.Environ(), "VIPS_CONCURRENCY=1", "GOMAXPROCS=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v: %s", program, err, out)
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Skip("this system does not tell what a process used")
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), float64(used.Maxrss) / 1024
}
