package tesseract_test

import (
	"context"
	"errors"
	"image"
	"os/exec"
	"strings"
	"testing"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/layout"
	"sheetlift/internal/engine/tesseract"
	"sheetlift/internal/table"
)

// words is a reader that finds these words on any page, or fails.
type words struct {
	found []layout.Word
	err   error
}

func (w words) Words(context.Context, *image.Gray) ([]layout.Word, error) { return w.found, w.err }
func (w words) Name() string                                              { return "another reader 1.0" }

func TestAnotherReaderFindsTheWords(t *testing.T) {
	t.Parallel()
	r := words{found: []layout.Word{{Box: layout.Box{Left: 5, Top: 5, Right: 30, Bottom: 15}, Text: "Chair", Conf: 99}}}
	// Neither is the tool needed.
	e := engineOn(t, tesseract.Options{Path: "/missing", Reader: r})
	reading, err := e.Read(t.Context(), engine.Request{Picture: blank(t), Table: table.Table{Open: true}})
	if err != nil || reading.Text != "Chair" || reading.Model != r.Name() {
		t.Fatalf("%+v, %v", reading, err)
	}
	if asks := e.Asks(engine.Question{}); !strings.Contains(asks, r.Name()) {
		t.Errorf("a reading of another reader may be used again: %q", asks)
	}
	if _, err := e.OrientationDetector(); err == nil {
		t.Error("pictures are turned without the tool")
	}
}

func TestAPictureThatAnotherReaderFailsAtIsReadByTheToolAndMarked(t *testing.T) {
	t.Parallel()
	e := engineOn(t, tesseract.Options{Path: pretend(t, `cat >/dev/null; printf '5\t1\t1\t1\t1\t1\t5\t5\t25\t10\t96\tDesk\n'`), Reader: words{err: errors.New("it crashed")}})
	reading, err := e.Read(t.Context(), engine.Request{Picture: blank(t), Table: table.Table{Open: true}})
	if err != nil || reading.Text != "Desk" || reading.Model != "tesseract 5.9.9" {
		t.Fatalf("%+v, %v", reading, err)
	}
	if len(reading.Issues) == 0 || !strings.Contains(reading.Issues[0].Message, "the second reader") {
		t.Errorf("it is not marked: %+v", reading.Issues)
	}
}

func TestWithoutTheToolAPictureThatAnotherReaderFailsAtFails(t *testing.T) {
	t.Parallel()
	e := engineOn(t, tesseract.Options{Path: "/missing", Reader: words{err: errors.New("it crashed")}})
	_, err := e.Read(t.Context(), engine.Request{Picture: blank(t), Table: table.Table{Open: true}})
	if f, ok := errors.AsType[*engine.Failure](err); !ok || f.Why != engine.Crashed {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Read(ctx, engine.Request{Picture: blank(t), Table: table.Table{Open: true}}); err != context.Canceled {
		t.Errorf("given up: %v", err)
	}
	if _, err := exec.LookPath("tesseract"); err == nil && e.Version() != "" {
		t.Errorf("it says that it has tesseract %s", e.Version())
	}
}
