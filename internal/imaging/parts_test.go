package imaging_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

// packedFile is a file for an archive.
type packedFile struct {
	name string
	data []byte
}

func zipped(t testing.TB, files ...packedFile) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// walked returns the parts of a file, one line each, and the error.
func walked(t testing.TB, p *imaging.Preparer, name string, data []byte, have ...int) (lines []string, err error) {
	t.Helper()
	for part, err := range p.Parts(t.Context(), name, bytes.NewReader(data), func(n int) bool { return slices.Contains(have, n) }) {
		switch {
		case err != nil:
			return lines, err
		case part.Refused != nil:
			lines = append(lines, fmt.Sprintf("%d %s: %s", part.N, part.Filename, errs.Message(part.Refused)))
		default:
			lines = append(lines, fmt.Sprintf("%d %s %d %t", part.N, part.Filename, part.Page, part.Single))
		}
	}
	return lines, nil
}

func mustWalk(t *testing.T, lines []string, err error, want ...string) {
	t.Helper()
	if err != nil || len(lines) != len(want) {
		t.Fatalf("%q, %v", lines, err)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("part %d is %q, want %q", i+1, lines[i], want[i])
		}
	}
}

func TestEveryPageOfATIFFIsAPicture(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{})
	lines, err := walked(t, p, "scan.tiff", drawn(t, "two-pages.tiff"))
	mustWalk(t, lines, err, "1 scan.tiff 1 false", "2 scan.tiff 2 false")
	lines, err = walked(t, p, "scan.tiff", drawn(t, "two-pages.tiff"), 1)
	mustWalk(t, lines, err, "2 scan.tiff 2 false")
	lines, err = walked(t, p, "one.tiff", rawTIFF(page(320, 200), 1, 1))
	mustWalk(t, lines, err, "1 one.tiff 0 true")

	var sources []string
	for part, err := range p.Parts(t.Context(), "scan.tiff", bytes.NewReader(drawn(t, "two-pages.tiff")), func(int) bool { return false }) {
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, part.Picture.Source)
	}
	if sources[0] == sources[1] {
		t.Error("the pages pass for the same file")
	}
}

func TestADamagedPageDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	file := rawTIFF(page(320, 200), 1, 3)
	second := binary.LittleEndian.Uint32(file[10+12*int(binary.LittleEndian.Uint16(file[8:])):])
	for i := range int(binary.LittleEndian.Uint16(file[second:])) {
		if e := file[int(second)+2+12*i:]; binary.LittleEndian.Uint16(e) == 256 {
			binary.LittleEndian.PutUint32(e[8:], 0)
		}
	}
	lines, err := walked(t, imaging.New(imaging.Limits{}), "scan.tiff", file)
	mustWalk(t, lines, err, "1 scan.tiff 1 false", "2 scan.tiff: “scan.tiff” page 2 is damaged", "3 scan.tiff 3 false")
}

func TestThePicturesInAnArchiveComeInTheOrderOfTheirNumbers(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{})
	jpg := asJPEG(t, page(64, 64), 90)
	file := zipped(t,
		packedFile{"room/page 10.jpg", jpg}, packedFile{"room/page 2.jpg", asPNG(t, page(64, 64))}, packedFile{"room/", nil},
		packedFile{"__MACOSX/room/._page 2.jpg", []byte("x")}, packedFile{".DS_Store", []byte("x")}, packedFile{"Thumbs.db", []byte("x")},
		packedFile{"../../etc/passwd", []byte("root:x:0:0\n")}, packedFile{`c:\scans\fax.tiff`, drawn(t, "two-pages.tiff")},
		packedFile{"more.zip", zipped(t, packedFile{"a.jpg", jpg})},
	)
	lines, err := walked(t, p, "all.zip", file)
	mustWalk(t, lines, err,
		"1 passwd: “passwd” in “all.zip” is a text file", "2 fax.tiff 1 false", "3 fax.tiff 2 false",
		"4 more.zip: “more.zip” in “all.zip” is an archive within", "5 page 2.jpg 0 false", "6 page 10.jpg 0 false")
	lines, err = walked(t, p, "all.zip", file, 1, 2, 3, 4, 5)
	mustWalk(t, lines, err, "6 page 10.jpg 0 false")
}

func TestArchivesAreBounded(t *testing.T) {
	t.Parallel()
	jpg := asJPEG(t, page(64, 64), 90)
	p := imaging.New(imaging.Limits{MaxBytes: 4 << 20, MaxPacked: 4 << 20, MaxParts: 3, TmpDir: t.TempDir()})
	many := []packedFile{{"1.jpg", jpg}, {"2.jpg", jpg}, {"3.jpg", jpg}, {"4.jpg", jpg}, {"5.jpg", jpg}}
	lines, err := walked(t, p, "many.zip", zipped(t, many...))
	if len(lines) != 3 || !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "more than 3 pictures") {
		t.Errorf("too many: %q, %v", lines, err)
	}
	tight := zipped(t, packedFile{"a.jpg", jpg}, packedFile{"bomb.jpg", append(bytes.Clone(jpg), make([]byte, 3<<20)...)})
	lines, err = walked(t, p, "tight.zip", tight)
	mustWalk(t, lines, err, "1 a.jpg 0 false", "2 bomb.jpg: “bomb.jpg” in “tight.zip” is no picture: it is packed far too tightly")
	big := append(bytes.Clone(jpg), noise(5<<20)...)
	lines, err = walked(t, imaging.New(imaging.Limits{MaxBytes: 4 << 20, TmpDir: t.TempDir()}), "big.zip", zipped(t, packedFile{"big.jpg", big}))
	mustWalk(t, lines, err, "1 big.jpg: “big.jpg” in “big.zip” is larger than 4 MB")
	large := append(bytes.Clone(jpg), noise(3<<20)...)
	small := imaging.New(imaging.Limits{MaxPacked: 1 << 20, TmpDir: t.TempDir()})
	if _, err = walked(t, small, "large.zip", zipped(t, packedFile{"a.jpg", large})); !errs.Is(err, errs.TooLarge) {
		t.Errorf("a large archive: %v", err)
	}
	var names []packedFile
	for i := range 100 { // as long together as 30,000 ordinary ones
		names = append(names, packedFile{fmt.Sprintf("%030000d.jpg", i), nil})
	}
	if _, err = walked(t, imaging.New(imaging.Limits{}), "names.zip", zipped(t, names...)); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "too many files") {
		t.Errorf("a list of 3 MB: %v", err)
	}
}

// noise returns incompressible bytes.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func TestALyingArchiveIsRefused(t *testing.T) {
	t.Parallel()
	jpg := asJPEG(t, page(64, 64), 90)
	file := zipped(t, packedFile{"a.jpg", append(bytes.Clone(jpg), noise(2<<20)...)})
	at := bytes.LastIndex(file, []byte("PK\x01\x02"))
	for name, change := range map[string]func([]byte){
		"says less":  func(b []byte) { binary.LittleEndian.PutUint32(b[at+24:], 1000) },
		"says more":  func(b []byte) { binary.LittleEndian.PutUint32(b[at+24:], 3<<20) },
		"checksum":   func(b []byte) { b[at+16]++ },
		"locked":     func(b []byte) { b[at+8] |= 1 },
		"cut off":    func(b []byte) { b[len(b)-1] = 9 },
		"other code": func(b []byte) { b[at+10] = 99 },
	} {
		b := bytes.Clone(file)
		change(b)
		_, err := all(t, imaging.New(imaging.Limits{TmpDir: t.TempDir()}), "liar.zip", b)
		mustRefuse(t, "liar.zip", err)
		t.Logf("%s: %v", name, err)
	}
	_, err := all(t, imaging.New(imaging.Limits{}), "book.zip", zipped(t, packedFile{"xl/book.xml", nil}, packedFile{"[Content_Types].xml", nil}))
	mustRefuse(t, "book.zip", err)
	_, err = all(t, imaging.New(imaging.Limits{}), "empty.zip", zipped(t))
	mustRefuse(t, "empty.zip", err)
}

// pdf builds a document with a page of each size, in points.
func pdf(sizes ...[2]int) []byte {
	var b bytes.Buffer
	var places []int
	object := func(format string, args ...any) {
		places = append(places, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n"+format+"\nendobj\n", append([]any{len(places)}, args...)...)
	}
	b.WriteString("%PDF-1.4\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	kids := ""
	for i := range sizes {
		kids += fmt.Sprintf("%d 0 R ", 3+2*i)
	}
	object("<</Type/Pages/Kids[%s]/Count %d>>", kids, len(sizes))
	for i, s := range sizes {
		object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents %d 0 R>>", s[0], s[1], 4+2*i)
		draw := fmt.Sprintf("1 0 0 rg 0 %d %d %d re f", s[1]-s[1]/4, s[0]/4, s[1]/4) // a red square in the upper left corner
		object("<</Length %d>>stream\n%s\nendstream", len(draw), draw)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(places)+1)
	for _, at := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(places)+1, start)
	return b.Bytes()
}

func TestEveryPageOfAPDFIsAPicture(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir()})
	if !p.Opens(imaging.PDF) {
		t.Skip("pdftoppm is not installed (make packages)")
	}
	file := pdf([2]int{595, 842}, [2]int{200, 9000}, [2]int{842, 595}, [2]int{300, 800})
	var sizes []string
	for part, err := range p.Parts(t.Context(), "scan.pdf", bytes.NewReader(file), func(int) bool { return false }) {
		switch {
		case err != nil:
			t.Fatal(err)
		case part.Refused != nil:
			sizes = append(sizes, "refused")
		default:
			sizes = append(sizes, fmt.Sprintf("%d: %dx%d", part.Page, part.Picture.Width, part.Picture.Height))
			if !red(opened(t, part.Picture.Data), 0, 0) {
				t.Errorf("page %d does not stand upright", part.Page)
			}
		}
	}
	if want := []string{"1: 1414x2000", "refused", "3: 2000x1414", "4: 1152x3072"}; !slices.Equal(sizes, want) {
		t.Errorf("got %q", sizes)
	}
	lines, err := walked(t, p, "scan.pdf", file, 1, 2, 3)
	mustWalk(t, lines, err, "4 scan.pdf 4 false")
	_, err = all(t, p, "cut.pdf", file[:200])
	mustRefuse(t, "cut.pdf", err)
}

// The output is still open when the program has ended, as it is while this process waits for a processor to read it.
func TestTheOutputOfAChildIsReadToItsEndHoweverLongThatTakes(t *testing.T) {
	t.Parallel()
	out, err := imaging.RunChild(t.Context(), t.TempDir(), "/bin/sh", "-c", "{ /bin/sleep 1.5; echo last; } & echo first")
	if string(out) != "first\nlast\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

// It is not parallel: it hides the installed programs.
func TestHEICOpensWithoutAnyOtherProgram(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(samples, "formats/receipt_153.heic"))
	if os.IsNotExist(err) {
		t.Skip("the sample data folder is not beside the checkout")
	}
	t.Setenv("PATH", t.TempDir())
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir(), Self: self(t)})
	if p.Opens(imaging.PDF) || p.Opens(imaging.AVIF) || !p.Opens(imaging.HEIC) {
		t.Error("what this machine opens is not what it has")
	}
	got, err := p.Prepare(t.Context(), "receipt.heic", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	mustBeClean(t, got.Data)
	if got.Width > got.Height {
		t.Errorf("it lies: %dx%d", got.Width, got.Height)
	}
	mustTakeTheMainOne(t, 2)
	for name, start := range map[string]string{
		"clear.heic": string(drawn(t, "alpha.heic")), "a.avif": "\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avifmiaf", "b.pdf": "%PDF-1.7\n", "c.heic": "\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1heicmiaf",
	} {
		_, err := p.Prepare(t.Context(), name, strings.NewReader(start))
		mustRefuse(t, name, err)
	}
	if _, err := imaging.New(imaging.Limits{}).Prepare(t.Context(), "d.heic", bytes.NewReader(data)); !strings.Contains(err.Error(), "HEIC") {
		t.Error(err)
	}
}

func TestNothingOfAChildIsLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := imaging.New(imaging.Limits{TmpDir: dir, Self: self(t)})
	_, _ = walked(t, p, "a.pdf", pdf([2]int{100, 100}))
	_, _ = walked(t, p, "b.pdf", []byte("%PDF-1.4 nothing"))
	ctx, cancel := context.WithCancel(t.Context())
	for range p.Parts(ctx, "c.pdf", bytes.NewReader(pdf([2]int{100, 100}, [2]int{100, 100})), func(int) bool { cancel(); return false }) {
		break
	}
	cancel()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := p.Prepare(ctx, "d.jpg", io.MultiReader()); err == nil {
		t.Error("it went on after its end")
	}
}
