package imaging_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

// samples is the sample data folder beside the checkout.
const samples = "../../../shared/data"

// truth is a line of truth.jsonl: one real file and the reaction that is right.
type truth struct {
	File   string `json:"file"`
	Kind   string `json:"kind"`
	Expect string `json:"expect"`
	SHA256 string `json:"sha256"`
	Width  int    `json:"upright_width"`
	Height int    `json:"upright_height"`
	Pages  int    `json:"pages"`
}

func truths(t testing.TB) []truth {
	t.Helper()
	f, err := os.Open(filepath.Join(samples, "truth.jsonl"))
	if os.IsNotExist(err) {
		t.Skip("the sample data folder is not beside the checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []truth
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var one truth
		if err := json.Unmarshal(in.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// refusedForNow are the formats that the samples want accepted where they are supported.
func refusedForNow(file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".heic":
		return "HEIC"
	case ".avif":
		return "AVIF"
	case ".pdf":
		return "PDF"
	}
	return ""
}

func TestEverySampleGetsTheReactionThatIsRight(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{})
	for i, want := range truths(t) {
		if slow && i%6 > 0 && want.Kind != "broken" {
			continue // every file is looked at without the race detector
		}
		t.Run(want.File, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(samples, want.File))
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(want.File)
			got, err := p.Prepare(t.Context(), name, bytes.NewReader(data))
			format := refusedForNow(want.File)
			switch {
			case format != "":
				mustRefuse(t, name, err)
				if want.Kind != "broken" && !strings.Contains(err.Error(), format) {
					t.Errorf("refusal does not name %s: %v", format, err)
				}
			case want.Expect == "reject":
				mustRefuse(t, name, err)
			case want.Expect == "accept":
				if err != nil {
					t.Fatal(err)
				}
				mustBeSound(t, got, want)
			case err != nil:
				mustRefuse(t, name, err)
			default:
				mustBeSound(t, got, want)
			}
			if err != nil {
				t.Log(err)
			}
		})
	}
}

// mustRefuse checks that err tells the file, the reason and the remedy.
func mustRefuse(t *testing.T, name string, err error) {
	t.Helper()
	if !errs.Is(err, errs.Invalid) {
		t.Fatalf("want a refusal, got %v", err)
	}
	m := errs.Message(err)
	remedy := false
	for _, word := range []string{"JPEG", "Save", "Copy", "Cut", "Photograph", "Unpack"} {
		remedy = remedy || strings.Contains(m, word)
	}
	if !strings.Contains(m, name) || !remedy || !strings.HasSuffix(m, ".") {
		t.Errorf("refusal lacks the file, a remedy or its full stop: %s", m)
	}
}

func mustBeSound(t *testing.T, got *imaging.Prepared, want truth) {
	t.Helper()
	if want.SHA256 != "" && got.Source != want.SHA256 {
		t.Errorf("source digest %s, want %s", got.Source, want.SHA256)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(got.Data))
	if err != nil || "image/"+format != got.MIME || c.Width != got.Width || c.Height != got.Height {
		t.Errorf("prepared picture: %v, %s %dx%d, said %s %dx%d", err, format, c.Width, c.Height, got.MIME, got.Width, got.Height)
	}
	if max(c.Width, c.Height) > 3072 || max(c.Width, c.Height) > 2000 && min(c.Width, c.Height) > 1153 {
		t.Errorf("prepared picture is %dx%d", c.Width, c.Height)
	}
	thumb, format, err := image.DecodeConfig(bytes.NewReader(got.Thumb))
	if err != nil || format != "jpeg" || max(thumb.Width, thumb.Height) > 256 {
		t.Errorf("thumbnail: %v, %s %dx%d", err, format, thumb.Width, thumb.Height)
	}
	if want.Width > 0 && (got.Width != want.Width || got.Height != want.Height) {
		t.Errorf("upright %dx%d, want %dx%d", got.Width, got.Height, want.Width, want.Height)
	}
	if paged := hasNote(got, imaging.NotePages); paged != (want.Pages > 1) && !strings.HasSuffix(want.File, ".gif") {
		t.Errorf("note on pages: %t, pages: %d", paged, want.Pages)
	}
	mustBeClean(t, got.Data)
	mustBeClean(t, got.Thumb)
}

func hasNote(p *imaging.Prepared, kind string) bool {
	for _, n := range p.Notes {
		if n.Kind == kind {
			return true
		}
	}
	return false
}

// mustBeClean looks for what must never be kept.
func mustBeClean(t *testing.T, data []byte) {
	t.Helper()
	for _, mark := range []string{"Exif\x00", "GPSL", "http://ns.adobe.com", "ICC_PROFILE", "PK\x03\x04", "PK\x05\x06", "<html", "<script", "eXIf", "iTXt", "tEXt", "zTXt", "iCCP"} {
		if bytes.Contains(data, []byte(mark)) {
			t.Errorf("kept data hold %q", mark)
		}
	}
}
