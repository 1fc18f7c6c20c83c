package reader_test

import (
	"context"
	"image"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/engine/reader"
)

// open starts a client on the program of that name.
func open(t *testing.T, name string, opt reader.Options) *reader.Client {
	t.Helper()
	opt.Path, opt.Cache = program(t, name), t.TempDir()
	c, err := reader.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func page() *image.Gray {
	p := image.NewGray(image.Rect(0, 0, 300, 60))
	for i := range p.Pix {
		p.Pix[i] = 0xff
	}
	return p
}

func TestTheRealReaderReadsThePageThatIsKnown(t *testing.T) {
	t.Parallel()
	c := open(t, reader.Program, reader.Options{})
	if !strings.Contains(c.Name(), "PP-OCRv4") || !strings.Contains(c.Name(), "ONNX Runtime 1.") {
		t.Errorf("its name is %q", c.Name())
	}
	words, err := c.Words(t.Context(), page())
	if err != nil || len(words) != 0 {
		t.Errorf("an empty page: %v, %v", words, err)
	}
}

func TestAProgramThatCannotBeUsedIsNotUsed(t *testing.T) {
	t.Parallel()
	_, err := reader.New(t.Context(), reader.Options{Path: program(t, "misreads"), Cache: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "as “Tota1”") {
		t.Errorf("one that misreads: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := reader.New(t.Context(), reader.Options{Path: missing}); err == nil || !strings.Contains(err.Error(), "was not found") {
		t.Errorf("a missing program: %v", err)
	}
}

func TestAPageThatCrashesTheProgramCostsOnlyItself(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"crashes": "this page is too much", "babbles": "not an answer", "hangs": "took longer than", "refuses": "out of paper"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, name, reader.Options{})
			c.LimitTo(2 * time.Second)
			_, err := c.Words(t.Context(), page())
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("got %v, want %q", err, want)
			}
			c.LimitTo(time.Minute)
			if words, err := c.Words(t.Context(), page()); err != nil || len(words) != 2 {
				t.Errorf("the next page: %v, %v", words, err)
			}
		})
	}
}

func TestAPageThatIsGivenUpEndsItsProgram(t *testing.T) {
	t.Parallel()
	c := open(t, "hangs", reader.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := c.Words(ctx, page()); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestTheProgramIsStartedAnewAfterItsPages(t *testing.T) {
	t.Parallel()
	c := open(t, "refuses", reader.Options{Pages: 1})
	// Of each program only the second page is refused: with one page for each there is none.
	for range 3 {
		if _, err := c.Words(t.Context(), page()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPagesAreReadSideBySideAndNoneAfterTheEnd(t *testing.T) {
	t.Parallel()
	c := open(t, "refuses", reader.Options{Pages: 1})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if words, err := c.Words(t.Context(), page()); err != nil || len(words) != 2 {
				t.Errorf("%v, %v", words, err)
			}
		})
	}
	all.Wait()
	c.Close()
	if _, err := c.Words(t.Context(), page()); err == nil {
		t.Error("a page was read after the end")
	}
}
