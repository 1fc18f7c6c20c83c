// Package tesseract reads images with the Tesseract command line tool, offline: the picture is straightened and its ruling
// lines are removed, the words that the tool finds become lines, columns and cells, and those are mapped to the requested
// columns.
package tesseract

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/layout"
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
	Reader   WordReader    // finds the words instead of the tool, which reads the pictures that this one fails at; nil for the tool alone
	Log      *slog.Logger  // nil for none
}

// WordReader finds the words of a page that is straight, dark on light and without ruling lines. It is safe for concurrent use.
type WordReader interface {
	// Words returns the words in any order. If ctx ended, the error is ctx's.
	Words(ctx context.Context, page *image.Gray) ([]layout.Word, error)
	// Name is the reader with its version: readings of different names may differ.
	Name() string
}

// Engine reads images with Tesseract. It is safe for concurrent use and owns no goroutine between calls.
type Engine struct {
	tool    tool
	reader  WordReader // nil for the tool alone
	log     *slog.Logger
	version string
	data    []string // the languages that the tool has data for
	slots   *work.FairSemaphore
}

var _ engine.Asker = (*Engine)(nil)

// New looks for the tool and asks for its version and languages. The error is errs.Unavailable with the remedy when
// the tool or the language is missing and no other reader is given.
func New(opt Options) (*Engine, error) {
	var version string
	var data []string
	t, err := find(opt)
	if err == nil {
		version, data, err = t.probe(context.Background())
	}
	if err != nil {
		if opt.Reader == nil {
			return nil, err
		}
		t = tool{} // nothing reads the pictures that the other reader fails at
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	slots := opt.Slots
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	return &Engine{tool: t, reader: opt.Reader, log: opt.Log, version: version, data: data, slots: work.NewFairSemaphore(slots, 0)}, nil
}

// Background returns an engine that reads one image at a time, at the lowest priority of the machine: for readings that no
// caller waits for. r finds the words instead of the tool, as in Options.
func (e *Engine) Background(r WordReader) *Engine {
	t := e.tool
	t.background, t.timeout = true, max(t.timeout, orientationTimeout)
	return &Engine{tool: t, reader: r, log: e.log, version: e.version, data: e.data, slots: work.NewFairSemaphore(1, 0)}
}

// Name returns "tesseract".
func (e *Engine) Name() string { return Name }

// Version returns the version that the tool reports, such as "5.3.0"; "" where it is not installed.
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
	var reading *engine.Reading
	found, err := e.look(ctx, req.Picture, req.Table.Single)
	if err == nil {
		err = danger.Do(ctx, func() error {
			reading = answer(found, req.Table)
			return nil
		})
	}
	if err != nil {
		return nil, e.failure(ctx, err)
	}
	reading.Model = found.model
	return reading, nil
}

// edition is raised when this package makes other cells or doubts of the same words.
const edition = "4"

// Asks implements engine.Asker: the tool with its version and language, the reader instead of it, and the edition of this package.
func (e *Engine) Asks(engine.Question) string {
	asks := []string{edition, e.version, e.tool.language, e.tool.dataDir}
	if e.reader != nil {
		asks = append(asks, e.reader.Name())
	}
	return strings.Join(asks, "\n")
}

// finding is the result of the tool for one picture: the words in lines, and the ruling lines that were removed before.
type finding struct {
	words  []layout.Word
	dirt   []layout.Word // words that were dropped because their shape is not that of a word
	lost   []layout.Box  // ink that belongs to no word
	rules  layout.Rules
	single bool    // one document, not a table: columns do not matter
	net    net     // how the page was straightened before
	scale  float64 // how far it was enlarged before
	model  string  // the reader of the words
	second bool    // the tool read them, because the other reader failed
}

// look prepares the picture and runs the tool over it.
func (e *Engine) look(ctx context.Context, data []byte, single bool) (*finding, error) {
	var p *prepared
	err := danger.Do(ctx, func() (err error) {
		p, err = prepare(data, single)
		return err
	})
	if err != nil {
		return nil, err
	}
	f := &finding{rules: p.rules, single: single, net: p.net, scale: p.scale}
	words, err := e.words(ctx, p.image, f)
	if err != nil {
		return nil, err
	}
	return f, danger.Do(ctx, func() error {
		f.take(withDashes(words, p.parts, p.rules), p)
		return nil
	})
}

// take keeps the words that are text, and compares those of a table with their ink.
func (f *finding) take(words []layout.Word, p *prepared) {
	if f.single {
		f.words = layout.Clean(words)
		return
	}
	words = fitted(words, p)
	all := layout.Clean(words)
	kept := withoutDirt(all)
	ink := inkUnder(kept, p)
	f.lost = append(ink.lost(), missed(words, kept)...)
	f.dirt = slices.DeleteFunc(all, func(w layout.Word) bool { return slices.Contains(kept, w) })
	f.words = ink.checked(kept)
}

// words finds the words of a page, and notes in f by which reader.
func (e *Engine) words(ctx context.Context, p *image.Gray, f *finding) ([]layout.Word, error) {
	if e.reader != nil {
		words, err := e.reader.Words(ctx, p)
		if err == nil || ctx.Err() != nil || e.tool.path == "" {
			f.model = e.reader.Name()
			return words, err
		}
		e.log.Warn("the neural reader stopped over a picture; Tesseract reads it", "err", err)
		f.second = true
	}
	f.model = "tesseract " + e.version
	return e.bestWords(ctx, p)
}

// poor is the mean confidence, 0 to 100, below which a page is read in two other ways too, and few the number of words below
// which it is. On receipts below it the two other runs find 3.5 % more of the words; above it they find nothing.
const (
	poor = 78
	few  = 8
)

// bestWords runs the tool once over a good picture. For a poor picture it runs the tool again on a softened picture and
// once more for text in any place, and takes the reading with the highest confidence for each word.
func (e *Engine) bestWords(ctx context.Context, p *image.Gray) ([]layout.Word, error) {
	words, err := e.tool.words(ctx, p, uniform)
	if err != nil || layout.MeanConfidence(words) >= poor && len(words) >= few {
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
		Err:     fmt.Errorf("offline (tesseract %s): %w", e.version, err),
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

// offline is the doubt that every offline reading of a table carries. second is as in a finding.
func offline(second bool) table.Issue {
	i := table.Issue{Row: -1, Column: -1, Kind: table.KindOffline, Message: "This image was read offline. Please compare it with the picture."}
	if second {
		i.Message = "This image was read offline by the second reader, because the first one stopped over it. Please compare it with the picture."
	}
	return i
}
