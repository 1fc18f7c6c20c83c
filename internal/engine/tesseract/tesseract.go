// Package tesseract reads images with the Tesseract command line tool, offline: the picture is straightened and freed
// of ruling lines, the words that the tool finds become lines, columns and cells, and those are mapped to the columns
// that were asked for.
package tesseract

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"strings"
	"time"

	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
	"sheetlift/internal/work"
)

// Name is the engine's stable name.
const Name = "tesseract"

// DefaultTimeout is how long one run of the tool may take. A full page takes about one second; a minute means that
// something is wrong with the picture or the machine.
const DefaultTimeout = time.Minute

// Options say where the tool is and how much of the machine it may use. The zero value is good.
type Options struct {
	Path     string        // the command; "" means "tesseract", looked up on the PATH
	Language string        // a language installed with the tool; "" means "eng"
	DataDir  string        // folder of the language data; "" means the tool's own
	Slots    int           // pictures read at once; 0 means the number of CPUs
	Timeout  time.Duration // for one run of the tool; 0 means DefaultTimeout
}

// Engine reads images with Tesseract. It is safe for concurrent use and owns no goroutine between calls.
type Engine struct {
	tool    tool
	version string
	data    []string // what the tool has data for
	slots   *work.Gate
}

var _ engine.Asker = (*Engine)(nil)

// New looks for the tool and asks for its version and languages. The error is errs.Unavailable with the remedy when
// the tool or the language is missing.
func New(opt Options) (*Engine, error) {
	t, err := find(opt)
	if err != nil {
		return nil, err
	}
	version, data, err := t.probe(context.Background())
	if err != nil {
		return nil, err
	}
	slots := opt.Slots
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	return &Engine{tool: t, version: version, data: data, slots: work.NewGate(slots, 0)}, nil
}

// Name returns "tesseract".
func (e *Engine) Name() string { return Name }

// Version returns what the tool says of itself, such as "5.3.0".
func (e *Engine) Version() string { return e.version }

// Read waits for a slot and reads one image. On failure the error is an *engine.Failure, or ctx's error when ctx ended.
func (e *Engine) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	if err := e.slots.Enter(ctx, req.Batch, work.Priority(req.Priority)); err != nil {
		return nil, err
	}
	defer e.slots.Leave(req.Batch)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := req.Begun(ctx, ""); err != nil {
		return nil, err
	}
	found, err := e.look(ctx, req.Picture, req.Table.Single)
	if err != nil {
		return nil, e.failure(ctx, err)
	}
	reading := answer(found, req.Table)
	reading.Model = "tesseract " + e.version
	return reading, nil
}

// Asks implements engine.Asker: the tool with its version and language.
func (e *Engine) Asks(table.Table, string) string {
	return strings.Join([]string{e.version, e.tool.language, e.tool.dataDir}, "\n")
}

// finding is what the tool saw on one picture: the words in lines, and the ruling lines that were taken away before.
type finding struct {
	words  []word
	rules  rules
	single bool    // one document, not a table: columns do not matter
	net    net     // how the page was straightened before
	scale  float64 // and enlarged
}

// look prepares the picture and runs the tool over it.
func (e *Engine) look(ctx context.Context, data []byte, single bool) (*finding, error) {
	p, err := prepare(data, single)
	if err != nil {
		return nil, err
	}
	words, err := e.bestWords(ctx, p.image)
	if err != nil {
		return nil, err
	}
	return &finding{words: clean(withDashes(words, p.parts, p.rules)), rules: p.rules, single: single, net: p.net, scale: p.scale}, nil
}

// poor is the mean confidence, 0 to 100, below which a page is looked at in other ways too, and few the number of words.
// On receipts below it the two other looks find 3.5 % more of the words; above it they find nothing.
const (
	poor = 78
	few  = 8
)

// bestWords runs the tool once over a good picture. Over a poor one it runs it again on a softened picture and once
// more for text in any place, and takes of each word the reading that the tool is surest of.
func (e *Engine) bestWords(ctx context.Context, p *image.Gray) ([]word, error) {
	words, err := e.tool.words(ctx, p, uniform)
	if err != nil || meanConfidence(words) >= poor && len(words) >= few {
		return words, err
	}
	soft, err := e.tool.words(ctx, soften(p), uniform)
	if err != nil {
		return nil, err
	}
	anywhere, err := e.tool.words(ctx, p, sparse)
	if err != nil {
		return nil, err
	}
	return merge(merge(words, soft), anywhere), nil
}

func (e *Engine) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*engine.Failure](err); ok {
		return err
	}
	return &engine.Failure{
		Why:     engine.Crashed,
		Message: "The offline text reader stopped over this picture. Retry it; if it stops again, photograph the sheet again.",
		Class:   "crash",
		Err:     fmt.Errorf("tesseract %s: %w", e.version, err),
	}
}

func badPicture(err error) error {
	return &engine.Failure{
		Why:     engine.BadPicture,
		Message: "This picture could not be opened: its file seems damaged. Save it again as JPEG or PNG and upload it anew.",
		Class:   "decode",
		Err:     err,
	}
}

func notInstalled(path string, err error) error {
	return errs.Wrap(err, errs.Unavailable,
		"The offline text reader Tesseract was not found (%s). Install it, on Debian or Ubuntu with "+
			"“sudo apt-get install tesseract-ocr tesseract-ocr-eng”, and start again.", path)
}

// offline is the doubt that every offline reading of a table carries.
func offline() table.Issue {
	return table.Issue{Row: -1, Column: -1, Kind: table.KindOffline,
		Message: "This image was read offline. Please compare it with the picture."}
}
