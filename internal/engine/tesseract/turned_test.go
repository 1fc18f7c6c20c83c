package tesseract_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine/tesseract"
	"sheetlift/internal/engine/tesseract/accuracytest"
	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

var measureTurned = flag.Int("turned", 0, "turn every so manieth picture of the sample data and report which are noticed")

// samples is the sample data folder beside the checkout.
const samples = "../../../../shared/data"

func detectorOf(t testing.TB, e *tesseract.Engine) *tesseract.OrientationDetector {
	t.Helper()
	c, err := e.OrientationDetector()
	if err != nil {
		t.Skip(err)
	}
	return c
}

// prepared is the first picture of a file as it is stored, upright.
func prepared(t testing.TB, p *imaging.Preparer, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samples, file))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the sample data folder beside the checkout is missing")
	}
	if err != nil {
		t.Fatal(err)
	}
	for part, err := range p.Parts(t.Context(), file, bytes.NewReader(data), func(int) bool { return false }) {
		if err != nil || part.Refused != nil {
			t.Fatal(err, part.Refused)
		}
		return part.Picture.Data
	}
	return nil
}

// by turns a prepared picture clockwise.
func by(t testing.TB, p *imaging.Preparer, data []byte, quarters int) []byte {
	t.Helper()
	if quarters == 0 {
		return data
	}
	turned, err := p.Rotate(t.Context(), data, quarters)
	if err != nil {
		t.Fatal(err)
	}
	return turned.Data
}

func TestPicturesThatDoNotStandUprightAreNoticed(t *testing.T) {
	t.Parallel()
	p, c := imaging.New(imaging.Limits{}), detectorOf(t, installed(t))
	for file, quarters := range map[string][]int{
		"tables/icdar13_eu-003-p1-t2.png": {0, 1, 2},
		"receipts/sroie_148.jpg":          {3},
		"formats/webpvp8.webp":            {2}, // no text: nobody can tell
	} {
		upright := prepared(t, p, file)
		for _, q := range quarters {
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(file), q), func(t *testing.T) {
				t.Parallel()
				want := (4 - q) % 4
				if strings.HasPrefix(file, "formats/") {
					want = 0
				}
				if got, err := c.Detect(t.Context(), by(t, p, upright, q)); err != nil || got != want {
					t.Errorf("must be turned by %d quarters, got %d, %v", want, got, err)
				}
			})
		}
	}
}

func TestWithoutItsDataTheToolHasNoCompass(t *testing.T) {
	t.Parallel()
	_, err := engineOn(t, tesseract.Options{Path: pretend(t, "")}).OrientationDetector()
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Message(err), "tesseract-ocr-osd") {
		t.Errorf("got %v", err)
	}
}

func TestACompassThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	for answer, fails := range map[string]bool{
		"echo 'Too few characters. Skipping this page' >&2; exit 1": false,
		"echo 'Rotate: 0'":        false,
		"echo 'Rotate: sideways'": true,
		"exit 139":                true,
	} {
		c := detectorOf(t, engineOn(t, tesseract.Options{Path: pretendWith(t, "eng\\nosd", "cat > /dev/null; "+answer)}))
		turn, err := c.Detect(t.Context(), blank(t))
		if turn != 0 || (err != nil) != fails {
			t.Errorf("%s: %d, %v", answer, turn, err)
		}
	}
	if _, err := detectorOf(t, engineOn(t, tesseract.Options{Path: pretendWith(t, "eng\\nosd", "")})).Detect(t.Context(), []byte("no picture")); err == nil {
		t.Error("what is no picture has a direction")
	}
}

// TestTurnedPictures reports how many of the sample pictures are noticed once they are turned, and how many that stand
// upright are taken for turned.
func TestTurnedPictures(t *testing.T) {
	if *measureTurned < 1 {
		t.Skip("a report over 560 pictures, a quarter of an hour of CPU: run make bench-turned")
	}
	p, c := imaging.New(imaging.Limits{}), detectorOf(t, installed(t))
	type tally struct{ upright, taken, turned, right, wrong int }
	sums := map[string]*tally{}
	var took time.Duration
	looked := 0
	for i, one := range accuracytest.Load(t, samples) {
		if i%*measureTurned > 0 {
			continue
		}
		kind := one.Source() + " " + one.Kind
		switch one.Kind {
		case "receipt", "table", "table-photo":
		case "photo", "orientation":
			kind = "without text"
		default:
			continue
		}
		if strings.HasSuffix(one.File, ".avif") || strings.HasSuffix(strings.ToLower(one.File), ".heic") {
			continue // opened by other programs
		}
		upright := prepared(t, p, one.File)
		sum := sums[kind]
		if sum == nil {
			sum = &tally{}
			sums[kind] = sum
		}
		for q := range 4 {
			data := by(t, p, upright, q)
			start := time.Now()
			got, err := c.Detect(t.Context(), data)
			if err != nil {
				t.Errorf("%s turned by %d: %v", one.File, q, err)
			}
			took += time.Since(start)
			looked++
			want := (4 - q) % 4
			if q == 0 {
				sum.upright++
			} else {
				sum.turned++
			}
			switch {
			case got == 0:
			case got == want:
				sum.right++
			case q == 0:
				sum.taken++
				t.Logf("%s stands upright and is to be turned by %d", one.File, got)
			default:
				sum.wrong++
				t.Logf("%s turned by %d is to be turned by %d", one.File, q, got)
			}
		}
	}
	kinds := make([]string, 0, len(sums))
	for kind := range sums {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		s := sums[kind]
		t.Logf("%-22s upright %3d, taken for turned %d; turned %3d, noticed %3d, and %d by a wrong turn", kind, s.upright, s.taken, s.turned, s.right, s.wrong)
	}
	t.Logf("%d pictures, %s each", looked, (took / time.Duration(max(looked, 1))).Round(time.Millisecond))
}
