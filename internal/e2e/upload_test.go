package e2e_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// phonePhoto is a photo as phones make them: larger than is needed, lying on its side, with an EXIF mark that says how
// it is meant. Upright it is 3 wide and 4 high, and its upper left corner is red.
func phonePhoto(t testing.TB) []byte {
	t.Helper()
	const w, h = 3200, 2400
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	seed := uint32(1)
	for i := range m.Y { // paper with the grain of a sensor
		seed = seed*1664525 + 1013904223
		m.Y[i] = 200 + uint8(seed>>28)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	y, cb, cr := color.RGBToYCbCr(255, 0, 0)
	for j := h - h/4; j < h; j++ { // EXIF orientation 6 turns the picture: its lower left corner becomes the upper left one
		for i := range w / 4 {
			m.Y[m.YOffset(i, j)], m.Cb[m.COffset(i, j)], m.Cr[m.COffset(i, j)] = y, cb, cr
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	block := append([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01"), 1, 18, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(block)+2))
	return slices.Concat(b.Bytes()[:2], segment, block, b.Bytes()[2:])
}

// drafted returns the images of the draft on the page, by file name.
func (b *tab) drafted(p *process) map[string]draftedFile {
	b.t.Helper()
	_, body, _ := p.fetch(b.t, b.batch()+"/uploads")
	var files []struct{ Images []draftedFile }
	if err := json.Unmarshal(body, &files); err != nil {
		b.t.Fatalf("%v in %.200s", err, body)
	}
	byName := map[string]draftedFile{}
	for _, f := range files {
		for _, m := range f.Images {
			byName[m.Filename] = m
		}
	}
	if len(byName) != len(files) {
		b.t.Errorf("%d uploads have %d different names", len(files), len(byName))
	}
	return byName
}

type draftedFile struct {
	N        int
	Filename string
	Width    int
	Height   int
}

// batch is the path of the batch that the page shows.
func (b *tab) batch() string {
	b.t.Helper()
	path, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		b.t.Fatal(err)
	}
	return path
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderIsDroppedWhole(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	dir := filepath.Join(t.TempDir(), "Hall A")
	sheet := sheets(1)[0].data
	for _, name := range []string{"10.jpg", "9.jpg", "Room 12/1.jpg", "Room 12/notes.txt"} {
		write(t, filepath.Join(dir, name), sheet)
	}
	write(t, filepath.Join(dir, "Room 12/notes.txt"), []byte("no picture"))
	write(t, filepath.Join(dir, "Thumbs.db"), []byte("left by a system"))
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.drop(dir)
	b.until("document.querySelectorAll('#cards img').length == 3")
	b.until("document.querySelectorAll('#refused li').length == 1")
	if said := b.text("#refused li"); !strings.HasPrefix(said, "notes.txt") || strings.Contains(b.text("main"), "Thumbs.db") {
		t.Errorf("refused: %s", said)
	}
	b.forgive("422 (Unprocessable")
	files := b.drafted(p)
	if files["9.jpg"].N != 1 || files["10.jpg"].N != 2 || files["1.jpg"].N != 3 {
		t.Errorf("the order is not that of a person: %+v", files)
	}

	// The same folder again sends nothing; in a page that was loaded anew, too.
	b.do(chromedp.Reload())
	b.until("document.querySelectorAll('#cards img').length == 3")
	b.drop(dir)
	b.until("document.querySelector('[data-note]').textContent.includes('3 were here already')")
	b.until("document.querySelectorAll('#refused li').length == 1")
	b.forgive("422 (Unprocessable")
	if again := b.drafted(p); len(again) != 3 {
		t.Errorf("after a second drop there are %d pictures", len(again))
	}
}

func TestALargePhotoIsMadeSmallerBeforeItTravels(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	dir := t.TempDir()
	photo := phonePhoto(t)
	light, whole := filepath.Join(dir, "light.jpg"), filepath.Join(dir, "whole.jpg")
	write(t, light, photo)
	write(t, whole, photo)
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.until("document.querySelector('#lighter')?.checked")
	b.countSent()
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), []string{light}))
	b.until("document.querySelectorAll('#cards img').length == 1")
	sent := b.sent()
	if sent == 0 || sent*3 > len(photo) || sent > 1<<20 {
		t.Errorf("%d bytes travelled of a photo of %d", sent, len(photo))
	}
	b.click("#lighter")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), []string{whole}))
	b.until("document.querySelectorAll('#cards img').length == 2")
	if all := b.sent(); all-sent != len(photo) {
		t.Errorf("with the switch off %d bytes travelled of %d", all-sent, len(photo))
	}
	for name, f := range b.drafted(p) {
		_, data, _ := p.fetch(t, fmt.Sprintf("%s/images/%d/picture", b.batch(), f.N))
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if size := m.Bounds().Size(); size != image.Pt(1500, 2000) {
			t.Errorf("%s is kept as %v", name, size)
		}
		for at, want := range map[image.Point]bool{{100, 100}: true, {1400, 100}: false, {100, 1900}: false, {1400, 1900}: false} {
			r, g, _, _ := m.At(at.X, at.Y).RGBA()
			if red := r > 2*g; red != want {
				t.Errorf("%s is not upright: at %v red is %v", name, at, red)
			}
		}
		if name == "light.jpg" && (len(data) > sent || sent-len(data) > 1<<10) { // all but its colour profile
			t.Errorf("the server made the picture anew: %d bytes came and %d are kept", sent, len(data))
		}
	}
}

// countSent counts the bytes of the bodies that the page sends from now on.
func (b *tab) countSent() {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		window.sentBytes = 0;
		const send = XMLHttpRequest.prototype.send;
		XMLHttpRequest.prototype.send = function (body) { window.sentBytes += body.size; return send.call(this, body); };
	})()`))
}

func (b *tab) sent() int {
	b.t.Helper()
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[int]("window.sentBytes"))
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func TestUploadingGoesOnWhenTheServerWasAway(t *testing.T) {
	t.Parallel()
	environ := []string{
		"SHEETLIFT_ENGINE=tesseract", "SHEETLIFT_DATA=" + filepath.Join(t.TempDir(), "data"),
		"SHEETLIFT_ADDR=" + freeAddress(t), "SHEETLIFT_GRACE=0s",
	}
	p := run(t, environ...)
	files := sheetFiles(t, 40)
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.countSent()
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files))
	b.until("document.querySelectorAll('#cards img').length >= 5")

	// Paused means that nothing more begins; then the server goes.
	b.click("[data-pause]")
	b.until("document.querySelector('[data-note]').textContent.startsWith('Paused')")
	b.do(chromedp.Evaluate[chromedp.Void]("window.lostAt = performance.now()"))
	p.stop()
	b.click("[data-pause]")
	b.until("document.querySelector('[data-note]').textContent.includes('is lost')")
	b.until("performance.now() - window.lostAt > 5000")
	run(t, environ...)
	b.until("document.querySelectorAll('#cards img').length == 40")
	b.until("document.querySelector('#onwards a').href.endsWith('?step=names')")
	if files := b.drafted(p); len(files) != 40 {
		t.Errorf("%d pictures came of 40", len(files))
	}
	if b.is("document.querySelector('#refused li')") {
		t.Errorf("refused: %s", b.text("#refused"))
	}
	b.forgive("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "Failed to fetch", "ERR_EMPTY_RESPONSE")
}

func TestAPictureIsPastedFromTheClipboard(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	if _, err := chromedp.Call(b.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
		Permission: &cdpbrowser.PermissionDescriptor{Name: "clipboard-write", AllowWithoutSanitization: true}, Setting: cdpbrowser.PermissionSettingGranted, Origin: p.url, BrowserContextID: b.context(),
	}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
		const pen = canvas.getContext("2d");
		pen.fillStyle = "#fff"; pen.fillRect(0, 0, 640, 480);
		pen.fillStyle = "#000"; pen.fillText("Chair 12", 100, 100);
		canvas.toBlob((blob) => navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]).then(() => { window.copied = true; }, (e) => { window.copied = String(e); }));
	})()`))
	b.until("window.copied")
	if !b.is("window.copied === true") {
		said, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String(window.copied)"))
		t.Fatal(said)
	}
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		e := input.DispatchKeyEventParams{Type: kind, Key: "v", Code: "KeyV", WindowsVirtualKeyCode: 86, Modifiers: 2}
		if kind == input.DispatchKeyEventTypeRawKeyDown {
			e.Commands = []string{"paste"}
		}
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, e); err != nil {
			t.Fatal(err)
		}
	}
	b.until("document.querySelectorAll('#cards img').length == 1")
	for name, f := range b.drafted(p) {
		if !strings.HasPrefix(name, "Pasted ") || !strings.HasSuffix(name, ".png") || f.Width != 640 {
			t.Errorf("it became %q, %d wide", name, f.Width)
		}
	}
}

func TestAPlainFormUploadsWithoutScripts(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	b := browser(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	files := sheetFiles(t, 3)
	b.do(chromedp.Navigate(p.url))
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), files[:2]))
	b.click("#uploader button.no-js")
	b.until("document.querySelectorAll('#names input[name^=name-]').length == 2")

	// More files can be added; a file that is no picture is named beside those that were accepted.
	text := filepath.Join(t.TempDir(), "notes.txt")
	write(t, text, []byte("no picture"))
	b.click(".actions a[href$='?step=pictures']")
	b.until("document.querySelector('#uploader')")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), []string{files[2], text}))
	b.click("#uploader button.no-js")
	b.until("document.querySelectorAll('#names input[name^=name-]').length == 3")
	if note := b.text("#note"); !strings.Contains(note, "notes.txt") {
		t.Errorf("the page says %q", note)
	}
	b.forgive(fmt.Sprint(http.StatusUnprocessableEntity))
	here := strings.TrimSuffix(b.batch(), "/images")
	b.do(chromedp.Navigate(p.url + here + "?step=columns"))
	b.until("document.querySelector('#columns, form[action$=\"/columns\"]')")
}

func TestHundredsAreNamedByPatternPasteAndHand(t *testing.T) {
	t.Parallel()
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), sheetFiles(t, 12)))
	b.click("#onwards a[href$='?step=names']")
	b.until("document.querySelectorAll('#cards > li > input').length == 12")

	// The preview of the names that a pattern gives, then the names, then undo.
	b.do(chromedp.Evaluate[chromedp.Void](`(() => { const f = document.querySelector("#pattern"); f.value = "Room-{n:03}"; f.dispatchEvent(new Event("input", { bubbles: true })); })()`))
	b.until("document.querySelector('#preview').textContent == 'Gives Room-001, Room-002, Room-003 … Room-012'")
	b.click("#do-pattern")
	b.until("document.querySelector('[name=name-12]').value == 'Room-012'")
	b.shot("3-named")
	b.click("#undo")
	b.until("document.querySelector('[name=name-12]').value == 'sheet-012'")

	// A column from a spreadsheet.
	b.do(chromedp.Evaluate[chromedp.Void](`(() => { document.querySelector("#column").closest("details").open = true; document.querySelector("#column").value = "Hall\n\nShelf"; })()`))
	b.click("#do-paste")
	b.until("document.querySelector('[name=name-3]').value == 'Shelf' && document.querySelector('[name=name-2]').value == 'sheet-002'")

	// By hand: one place on with the keyboard, one left out, one turned.
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("[name=name-1]").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", altKey: true, bubbles: true }))`))
	b.until("document.querySelector('#cards > li').dataset.n == 2")
	b.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('#out-4').focus(); document.querySelector('#out-4').click()"))
	b.until("document.querySelectorAll('#cards > li').length == 11")
	b.until("document.activeElement.id == 'out-5' && document.querySelector('#column').closest('details').open")
	b.do(chromedp.Evaluate[chromedp.Void]("window.was = document.querySelector('#shot-5 img').src; document.querySelector('#turn-5').click()"))
	b.until("document.querySelector('#shot-5 img') && document.querySelector('#shot-5 img').src != window.was")
	b.until("document.querySelector('#shot-5 img').naturalHeight > document.querySelector('#shot-5 img').naturalWidth")
	b.click(".actions button[name=go]")
	b.until("document.querySelector('input[type=radio][value=inventory]')")
	_, page, _ := p.fetch(t, b.batch()+"?step=names")
	if first, second := bytes.Index(page, []byte(`name="name-2"`)), bytes.Index(page, []byte(`name="name-1"`)); first < 0 || second < first {
		t.Error("the order that was made by hand is not kept")
	}
}

func TestAPictureThatStandsUpsideDownIsTurnedFromItsNote(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(samples + "/tables/icdar13_eu-003-p1-t2.png")
	if os.IsNotExist(err) {
		t.Skip("the sample data folder is not beside the checkout")
	}
	sheet, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	upright := grey(sheet)
	upright = grey(upright.SubImage(image.Rect(0, 0, upright.Rect.Dx(), upright.Rect.Dy()/3))) // enough to tell, and soon
	upside := grey(upright)
	slices.Reverse(upside.Pix)
	dir := t.TempDir()
	for name, m := range map[string]image.Image{"1 upright.png": upright, "2 upside down.png": upside} {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), b.Bytes())
	}
	p := run(t, "SHEETLIFT_ENGINE=tesseract")
	b := browser(t)
	b.do(chromedp.Navigate(p.url))
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#uploader input[type=file]"), []string{filepath.Join(dir, "1 upright.png"), filepath.Join(dir, "2 upside down.png")}))
	b.click("#onwards a[href$='?step=names']")

	// The note comes while the page is open, and only where it belongs.
	b.until("document.querySelector('#upright-2')")
	if note := b.text("#notes-2"); !strings.Contains(note, "upside down") || b.is("document.querySelector('#upright-1')") || b.text("#look-n") != "1" {
		t.Errorf("the note says %q, %s to look at", note, b.text("#look-n"))
	}
	b.shot("3-turned")
	b.do(chromedp.Evaluate[chromedp.Void]("window.was = document.querySelector('#shot-2 img').src"))
	b.click("#upright-2")
	b.until("document.querySelector('#shot-2 img').src != window.was && !document.querySelector('#upright-2')")
	_, stored, _ := p.fetch(t, b.batch()+"/images/2/picture")
	m, _, err := image.Decode(bytes.NewReader(stored))
	if err != nil {
		t.Fatal(err)
	}
	if same, other := unlike(grey(m), upright), unlike(grey(m), upside); same*4 > other {
		t.Errorf("it differs from the upright one by %d and from the turned one by %d", same, other)
	}
}

func grey(m image.Image) *image.Gray {
	g := image.NewGray(image.Rectangle{Max: m.Bounds().Size()})
	draw.Draw(g, g.Rect, m, m.Bounds().Min, draw.Src)
	return g
}

// unlike is how much two pictures of one size differ; those of two sizes differ most.
func unlike(a, b *image.Gray) int {
	if a.Rect != b.Rect {
		return 1 << 60
	}
	sum := 0
	for i := range a.Pix {
		d := int(a.Pix[i]) - int(b.Pix[i])
		sum += max(d, -d)
	}
	return sum
}
