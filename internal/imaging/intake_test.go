package imaging_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
)

func TestFilesOverTheLimitAreRefusedWhileTheyCome(t *testing.T) {
	t.Parallel()
	file := asJPEG(t, page(64, 64), 90)
	endless := &counted{r: io.MultiReader(bytes.NewReader(file), zeros{})}
	_, err := imaging.New(imaging.Limits{MaxBytes: 1 << 20, TmpDir: t.TempDir()}).Prepare(t.Context(), "big.jpg", endless)
	if !errs.Is(err, errs.TooLarge) || !strings.Contains(err.Error(), "big.jpg") || !strings.Contains(err.Error(), "1 MB") {
		t.Errorf("got %v", err)
	}
	if endless.n > 1<<20+64<<10 {
		t.Errorf("%d bytes were read for a limit of 1 MB", endless.n)
	}
	exact := append(bytes.Clone(file), make([]byte, 1<<20-len(file))...)
	prepare(t, imaging.Limits{MaxBytes: 1 << 20}, "just.jpg", exact)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

func TestWhatIsNoPictureIsRefusedByItsFirstBytes(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{})
	for name, c := range map[string]struct{ start, word string }{
		"b.jpg":  {"MZ\x90\x00", "program"},
		"c.png":  {"<!DOCTYPE html><html>", "HTML"},
		"d.png":  {"<?xml version='1.0'?><!-- x --><svg xmlns='http://www.w3.org/2000/svg'>", "SVG"},
		"e.jpg":  {"PK\x03\x04\x14\x00\x06" + strings.Repeat("\x00", 23) + "[Content_Types].xml", "Office"},
		"j.mov":  {"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", "video"},
		"k.jxl":  {"\xff\x0a\x00", "JPEG XL"},
		"l.txt":  {"Dear Sir or Madam,\n", "text"},
		"m.psd":  {"8BPS\x00\x01", "Photoshop"},
		"n.rar":  {"Rar!\x1a\x07\x00", "archive"},
		"o.jpg":  {"\x00\x01\x02\x03\x04", "damaged"},
		"p.doc":  {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office"},
		"q.html": {"\xef\xbb\xbf\n <HTML lang=de>", "HTML"},
	} {
		body := &counted{r: io.MultiReader(strings.NewReader(c.start), strings.NewReader(strings.Repeat(" ", 1<<20)))}
		_, err := p.Prepare(t.Context(), name, body)
		mustRefuse(t, name, err)
		if !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: no word of %s: %v", name, c.word, err)
		}
		if body.n > 16<<10 {
			t.Errorf("%s: %d bytes were read", name, body.n)
		}
	}
	_, err := p.Prepare(t.Context(), "nothing.jpg", strings.NewReader(""))
	mustRefuse(t, "nothing.jpg", err)
}

func TestWhatBreaksOffIsNotCalledDamaged(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir()})
	file := asPNG(t, page(900, 700))
	for tenth := range 10 {
		cut := io.MultiReader(bytes.NewReader(file[:len(file)*tenth/10]), iotest.ErrReader(errors.New("connection reset")))
		_, err := p.Prepare(t.Context(), "a.png", cut)
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "did not arrive whole") {
			t.Errorf("cut at %d0 %%: %v", tenth, err)
		}
	}
	own := errs.New(errs.TooLarge, "The request is larger than allowed.")
	if _, err := p.Prepare(t.Context(), "a.png", io.MultiReader(bytes.NewReader(file[:100]), iotest.ErrReader(own))); !errors.Is(err, own) {
		t.Errorf("the door's own refusal became %v", err)
	}
}

func TestNamesAreSafeToShow(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{})
	for name, want := range map[string]string{
		`C:\scans\a.pdf`:             "“a.pdf” ",
		"../../etc/a.pdf":            "“a.pdf” ",
		"a\r\nb\x00\x1b[31m.pdf":     "“ab[31m.pdf” ",
		"\u202egpj.pdf":              "“gpj.pdf” ",
		"":                           "The file ",
		"/":                          "The file ",
		strings.Repeat("ä", 300):     "“" + strings.Repeat("ä", 80) + "…” ",
		"bad\xff\xfeutf8.pdf":        "“badutf8.pdf” ",
		"a\u2028b.pdf":               "“ab.pdf” ",
		"<img src=x onerror=y>😀.pdf": "“<img src=x onerror=y>😀.pdf” ",
	} {
		_, err := p.Prepare(t.Context(), name, strings.NewReader("%PDF-1.4"))
		if m := errs.Message(err); !strings.HasPrefix(m, want) {
			t.Errorf("%q is shown as %q", name, m)
		}
	}
}

func TestSourceIsTheDigestOfTheFileAsSent(t *testing.T) {
	t.Parallel()
	small := asJPEG(t, page(64, 64), 90)
	large := append(bytes.Clone(small), bytes.Repeat([]byte("tail"), 200_000)...)
	for _, file := range [][]byte{small, large} {
		sum := sha256.Sum256(file)
		if got := prepare(t, imaging.Limits{}, "a.jpg", file); got.Source != hex.EncodeToString(sum[:]) {
			t.Errorf("%d bytes: digest %s", len(file), got.Source)
		}
	}
}

func TestNoTemporaryFileIsLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := imaging.New(imaging.Limits{TmpDir: dir})
	large := append(asJPEG(t, page(64, 64), 90), make([]byte, 1<<20)...)
	during := readerFunc(func([]byte) (int, error) {
		if left, _ := os.ReadDir(dir); runtime.GOOS == "linux" && len(left) > 0 {
			t.Errorf("%s could be left by a crash", left[0].Name())
		}
		return 0, io.EOF
	})
	for _, r := range []io.Reader{
		io.MultiReader(bytes.NewReader(large), during),
		io.MultiReader(bytes.NewReader(large), iotest.ErrReader(errors.New("reset"))),
		io.MultiReader(bytes.NewReader(large), zeros{}),
	} {
		_, _ = p.Prepare(t.Context(), "a.jpg", r)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestAMissingTemporaryFolderIsOurFaultNotTheFiles(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir() + "/gone"})
	large := append(asJPEG(t, page(64, 64), 90), make([]byte, 1<<20)...)
	_, err := p.Prepare(t.Context(), "a.jpg", bytes.NewReader(large))
	if err == nil || errs.KindOf(err) != errs.Internal {
		t.Errorf("got %v", err)
	}
}

func TestDecodingWaitsForMemory(t *testing.T) {
	t.Parallel()
	file := asJPEG(t, page(640, 480), 90)
	synctest.Test(t, func(t *testing.T) {
		p := imaging.New(imaging.Limits{Memory: 64 << 20})
		release, err := p.HoldMemory(t.Context(), 60<<20)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := p.Prepare(t.Context(), "a.jpg", bytes.NewReader(file))
			done <- err
		}()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("did not wait: %v", err)
		default:
		}
		release()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAnEndedContextEndsTheWait(t *testing.T) {
	t.Parallel()
	file := asJPEG(t, page(640, 480), 90)
	p := imaging.New(imaging.Limits{Memory: 64 << 20})
	release, err := p.HoldMemory(t.Context(), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	read := readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF })
	if _, err := p.Prepare(ctx, "a.jpg", io.MultiReader(bytes.NewReader(file), read)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestManyAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir()})
	file := asJPEG(t, photo(480, 360), 98)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := p.Prepare(t.Context(), fmt.Sprintf("%d.jpg", i), bytes.NewReader(file)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// It is not parallel: it measures the heap of the whole process.
func TestUploadsInWaitingTakeLittleMemory(t *testing.T) {
	const uploads, each = 100, 1 << 20
	p := imaging.New(imaging.Limits{TmpDir: t.TempDir()})
	file := asJPEG(t, page(64, 64), 90)
	var arrived, done sync.WaitGroup
	arrived.Add(uploads)
	goOn := make(chan struct{})
	before := heap()
	for range uploads {
		done.Go(func() {
			last := readerFunc(func([]byte) (int, error) { arrived.Done(); <-goOn; return 0, io.EOF })
			body := io.MultiReader(bytes.NewReader(file), io.LimitReader(zeros{}, each), last)
			if _, err := p.Prepare(t.Context(), "a.jpg", body); err != nil {
				t.Error(err)
			}
		})
	}
	arrived.Wait()
	if grown := heap() - before; grown > uploads*each/4 {
		t.Errorf("%d uploads of %d MB in waiting hold %d MB", uploads, each>>20, grown>>20)
	}
	close(goOn)
	done.Wait()
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
