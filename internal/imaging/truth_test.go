package imaging_test

import (
	"bufio"
	"bytes"
	"cmp"
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

// truth is a line of truth.jsonl: one real file and the expected reaction.
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

// accepts is the expected reaction on a machine that has every program.
func (w truth) accepts() string {
	if strings.HasPrefix(w.Expect, "accept-if-") {
		return "accept"
	}
	return w.Expect
}

// It needs the programs that make packages installs for HEIC, AVIF and PDF; without them it expects a refusal that
// names the format.
func TestEverySampleGetsTheReactionThatIsRight(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir(), Self: self(t)})
	for i, want := range truths(t) {
		if slow && i%6 > 0 && want.Kind != "broken" {
			continue // without the race detector every file is tested
		}
		t.Run(want.File, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(samples, want.File))
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(want.File)
			parts, err := all(t, p, name, data)
			switch format := imaging.Sniff(data[:min(len(data), 4096)]); {
			case !p.Opens(format) && !format.Accepted():
				mustRefuse(t, name, err)
			case want.accepts() == "reject":
				mustRefuse(t, name, err)
			case want.accepts() == "accept" && err != nil:
				t.Fatal(err)
			case err != nil:
				mustRefuse(t, name, err)
			case len(parts) != max(want.Pages, 1) && want.Kind != "pdf":
				t.Errorf("%d pictures came out of it", len(parts))
			default:
				for _, part := range parts {
					mustBeSound(t, part, want)
				}
			}
			if err != nil {
				t.Log(err)
			}
		})
	}
}

// all returns the parts of a file, or the error.
func all(t testing.TB, p *imaging.Preparer, name string, data []byte) (parts []imaging.Part, err error) {
	t.Helper()
	for part, err := range p.Parts(t.Context(), name, bytes.NewReader(data), func(int) bool { return false }) {
		if err = cmp.Or(err, part.Refused); err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// mustRefuse checks that err names the file, the reason and the remedy.
func mustRefuse(t *testing.T, name string, err error) {
	t.Helper()
	if !errs.Is(err, errs.Invalid) {
		t.Fatalf("want a refusal, got %v", err)
	}
	m := errs.Message(err)
	remedy := false
	for _, word := range []string{"JPEG", "Save", "Copy", "Cut", "Photograph", "Unpack", "Send", "Pack"} {
		remedy = remedy || strings.Contains(m, word)
	}
	if !strings.Contains(m, name) || !remedy || !strings.HasSuffix(m, ".") {
		t.Errorf("refusal lacks the file, a remedy or its full stop: %s", m)
	}
}

func mustBeSound(t *testing.T, part imaging.Part, want truth) {
	t.Helper()
	got := part.Picture
	if part.Page == 0 && want.SHA256 != "" && got.Source != want.SHA256 {
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

// mustBeClean looks for data that must never be kept.
func mustBeClean(t *testing.T, data []byte) {
	t.Helper()
	for _, mark := range []string{"Exif\x00", "GPSL", "http://ns.adobe.com", "ICC_PROFILE", "PK\x03\x04", "PK\x05\x06", "<html", "<script", "eXIf", "iTXt", "tEXt", "zTXt", "iCCP"} {
		if bytes.Contains(data, []byte(mark)) {
			t.Errorf("kept data hold %q", mark)
		}
	}
}
