package tesseract_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/tesseract"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// installed returns an engine on the real tool.
func installed(t *testing.T) *tesseract.Engine {
	t.Helper()
	if _, err := exec.LookPath("tesseract"); err != nil {
		t.Skip("Tesseract is not installed here")
	}
	e, err := tesseract.New(tesseract.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pretend returns the path of a program that answers the probe as the tool does and runs script for a picture.
func pretend(t *testing.T, script string) string {
	t.Helper()
	return pretendWith(t, "eng", script)
}

// pretendWith is pretend with data for these, one on a line.
func pretendWith(t *testing.T, data, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tesseract")
	body := "#!/bin/sh\ncase \"$1\" in\n--version) echo 'tesseract 5.9.9'; exit;;\n" +
		"--list-langs) printf 'List of available languages (1):\\n" + data + "\\n'; exit;;\nesac\n" + script + "\n"
	writeScript(t, path, body)
	return path
}

// writeScript writes a file that can be started. No process is started meanwhile: a child that inherited the open file would
// make the system refuse to start it ("text file busy") until that child runs its own program.
func writeScript(t *testing.T, path, body string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(body), 0o700); err != nil {
		t.Fatal(err)
	}
}

func engineOn(t *testing.T, opt tesseract.Options) *tesseract.Engine {
	t.Helper()
	var e *tesseract.Engine
	var err error
	// A program that was just written may be busy for a moment when other tests start processes at the same time.
	for range 50 {
		if e, err = tesseract.New(opt); err == nil || !errors.Is(err, syscall.ETXTBSY) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func blank(t *testing.T) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 60, 40))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	return encode(t, m)
}

func encode(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open() table.Table { return table.Table{Preset: "any", Open: true} }

func TestProbeTellsTheVersion(t *testing.T) {
	t.Parallel()
	e := engineOn(t, tesseract.Options{Path: pretend(t, "exit 1")})
	if e.Name() != "tesseract" || e.Version() != "5.9.9" {
		t.Errorf("%s %s", e.Name(), e.Version())
	}
	if v := installed(t).Version(); !strings.Contains(v, ".") {
		t.Errorf("the real tool says it is %q", v)
	}
}

func TestMissingToolIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	_, err := tesseract.New(tesseract.Options{Path: filepath.Join(t.TempDir(), "nothing-here")})
	if !errs.Is(err, errs.Unavailable) {
		t.Fatalf("%v is %v", err, errs.KindOf(err))
	}
	if m := errs.Message(err); !strings.Contains(m, "apt-get install tesseract-ocr") || !strings.Contains(m, "nothing-here") {
		t.Errorf("no remedy in %q", m)
	}
}

func TestAnotherProgramIsNotTakenForTheTool(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "other")
	writeScript(t, path, "#!/bin/sh\necho hello\n")
	if _, err := tesseract.New(tesseract.Options{Path: path}); !errs.Is(err, errs.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestMissingLanguageIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	_, err := tesseract.New(tesseract.Options{Path: pretend(t, "exit 1"), Language: "xyz"})
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(errs.Message(err), "tesseract-ocr-xyz") {
		t.Errorf("got %v", err)
	}
}

func TestDamagedPictureIsABadPicture(t *testing.T) {
	t.Parallel()
	e := engineOn(t, tesseract.Options{Path: pretend(t, "exit 1")})
	whole := blank(t)
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "cut off": whole[:len(whole)/2]} {
		_, err := e.Read(t.Context(), engine.Request{Picture: data, Table: open()})
		f, ok := errors.AsType[*engine.Failure](err)
		if !ok || f.Why != engine.BadPicture || f.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCrashOfTheToolIsTold(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{"signal": "kill -SEGV $$", "status": "echo broken >&2; exit 3"} {
		e := engineOn(t, tesseract.Options{Path: pretend(t, script)})
		_, err := e.Read(t.Context(), engine.Request{Picture: blank(t), Table: open()})
		f, ok := errors.AsType[*engine.Failure](err)
		if !ok || f.Why != engine.Crashed || !strings.HasSuffix(f.Message, ".") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadingIsStoppedAfterItsLimit(t *testing.T) {
	t.Parallel()
	e := engineOn(t, tesseract.Options{Path: pretend(t, "sleep 300"), Timeout: 50 * time.Millisecond})
	_, err := e.Read(t.Context(), engine.Request{Picture: blank(t), Table: open()})
	f, ok := errors.AsType[*engine.Failure](err)
	if !ok || f.Why != engine.Crashed || f.Class != "timeout" {
		t.Fatalf("got %v", err)
	}
}

// The script has a child of its own, which outlives the script unless the whole group is killed.
func TestCancelKillsTheWholeGroup(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "up")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	e := engineOn(t, tesseract.Options{Path: pretend(t, fmt.Sprintf("sleep 300 & echo $$ $! > %s; wait", fifo))})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := e.Read(ctx, engine.Request{Picture: blank(t), Table: open()})
		ended <- err
	}()
	said, err := os.ReadFile(fifo) // returns when the script has written to it
	if err != nil {
		t.Fatal(err)
	}
	script, child, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
	if !runs(child) {
		t.Fatalf("the script's child %q does not run", child)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat("/proc/" + script); err == nil {
		t.Errorf("process %s is still there, alive or not waited for", script)
	}
	for deadline := time.Now().Add(time.Minute); runs(child); <-time.After(time.Millisecond) { // a signal needs a moment to end it
		if time.Now().After(deadline) {
			t.Fatalf("the script's child %s outlives it", child)
		}
	}
}

// The output is still open when the tool has ended, as it is while this process waits for a processor to read it.
func TestTheOutputIsReadToItsEndHoweverLongThatTakes(t *testing.T) {
	t.Parallel()
	e := engineOn(t, tesseract.Options{Path: pretend(t, "sleep 1.5 &")})
	if _, err := e.Read(t.Context(), engine.Request{Picture: blank(t), Table: open()}); err != nil {
		t.Error(err)
	}
}

// runs reports whether a process is there and not dead. A dead one whose parent is gone waits for the system's first process.
func runs(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name
	return err == nil && !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestChildGetsNothingOfOurEnvironment(t *testing.T) {
	t.Setenv("GEMINI_API_KEY", "do-not-hand-on")
	seen := filepath.Join(t.TempDir(), "env")
	e := engineOn(t, tesseract.Options{Path: pretend(t, "env > "+seen), DataDir: "/data"})
	if _, err := e.Read(t.Context(), engine.Request{Picture: blank(t), Table: open()}); err != nil {
		t.Fatal(err)
	}
	env, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(env), "do-not-hand-on") || strings.Contains(string(env), "HOME=") {
		t.Errorf("handed on: %s", env)
	}
	for _, want := range []string{"OMP_THREAD_LIMIT=1", "TESSDATA_PREFIX=/data"} {
		if !strings.Contains(string(env), want) {
			t.Errorf("%s is missing in %s", want, env)
		}
	}
}

func TestNoMoreRunAtOnceThanThereAreSlots(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "up")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	e := engineOn(t, tesseract.Options{Path: pretend(t, fmt.Sprintf("echo up > %s; sleep 300", fifo)), Slots: 1})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := e.Read(ctx, engine.Request{Picture: blank(t), Table: open()})
		ended <- err
	}()
	if _, err := os.ReadFile(fifo); err != nil {
		t.Fatal(err)
	}
	waiting, giveUp := context.WithCancel(t.Context())
	giveUp()
	if _, err := e.Read(waiting, engine.Request{Picture: blank(t), Table: open()}); !errors.Is(err, context.Canceled) {
		t.Errorf("one who waits for the slot got %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestBlankPageHasNoRows(t *testing.T) {
	t.Parallel()
	e := installed(t)
	m := image.NewGray(image.Rect(0, 0, 400, 300))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	r, err := e.Read(t.Context(), engine.Request{Picture: encode(t, m), Table: open()})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 0 || r.Text != "" {
		t.Errorf("read %d rows and %q on a blank page", len(r.Rows), r.Text)
	}
}
func TestATryIsWrittenDownOnceItHasItsSlot(t *testing.T) {
	t.Parallel()
	e := installed(t)
	stop := errors.New("not mine any more")
	_, err := e.Read(t.Context(), engine.Request{Picture: []byte("never looked at"), Begin: func(_ context.Context, key string) error {
		if key != "" {
			t.Errorf("the offline engine has a key %q", key)
		}
		return stop
	}})
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestRowsAndCellsTellWhereTheyStandOnThePictureAsItWasSent(t *testing.T) {
	t.Parallel()
	e := installed(t)
	drawn := sheet(t, inventory, true)
	for name, m := range map[string]image.Image{"as drawn": drawn, "half as large": half(drawn)} {
		reading, err := e.Read(t.Context(), engine.Request{Picture: encode(t, m), Table: open()})
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for i, row := range reading.Rows {
			if row.Box == nil || row.Box.Top < last || row.Box.Bottom > 1000 {
				t.Fatalf("%s: row %d stands at %+v, after one that ends at %d", name, i+1, row.Box, last)
			}
			last = row.Box.Bottom - 5
			// A thousandth is less than the blank frame of a cell, so there must be ink in its box.
			for j, c := range row.Cells {
				if c.Box == nil || !inkIn(drawn, *c.Box) {
					t.Errorf("%s: %q in row %d, column %d stands at %+v, where nothing is written", name, c.Text, i+1, j+1, c.Box)
				}
			}
		}
		if len(reading.Rows) != len(inventory)-1 {
			t.Errorf("%s: %d rows", name, len(reading.Rows))
		}
	}
}

func half(m *image.Gray) *image.Gray {
	small := image.NewGray(image.Rect(0, 0, m.Rect.Dx()/2, m.Rect.Dy()/2))
	for y := range small.Rect.Dy() {
		for x := range small.Rect.Dx() {
			sum := 0
			for _, d := range []image.Point{{}, {X: 1}, {Y: 1}, {X: 1, Y: 1}} {
				sum += int(m.GrayAt(2*x+d.X, 2*y+d.Y).Y)
			}
			small.Pix[y*small.Stride+x] = uint8(sum / 4)
		}
	}
	return small
}

// inkIn reports whether letters stand in the middle half of a box.
func inkIn(m *image.Gray, b table.Box) bool {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := (3*b.Top + b.Bottom) * h / 4000; y < (b.Top+3*b.Bottom)*h/4000; y++ {
		for x := b.Left * w / 1000; x < b.Right*w/1000; x++ {
			if m.GrayAt(x, y).Y < 100 {
				return true
			}
		}
	}
	return false
}
