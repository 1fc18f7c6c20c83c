package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini"
	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
	"sheetlift/internal/keypool"
	"sheetlift/internal/logs"
	"sheetlift/internal/setup"
	"sheetlift/internal/web"
)

// engines holds the engines that can work here, and the default engine for batches that name none.
type engines struct {
	byName map[string]engine.Engine
	keys   *keypool.Pool
	first  string // SHEETLIFT_ENGINE
	model  string
	gemini *gemini.Engine

	noStore bool // Google is asked not to store the requests

	orientation batch.OrientationDetector // nil if the offline engine lacks its orientation data
	witness     engine.Engine             // the offline engine at low priority; nil if it is not available
	offline     setup.Offline
}

// readers builds the engines that can work here, with the pool of keys.
func readers(ctx context.Context, c *config.Config, secret []byte, memory keypool.Memory, log *slog.Logger) (*keypool.Pool, engines, error) {
	e := engines{byName: map[string]engine.Engine{}, first: c.Engine, model: c.Model}
	keys, err := setup.Keys(c.Keys)
	if err != nil {
		return nil, e, err
	}
	var reader *gemini.Engine
	pool := keypool.New(keys, keypool.Options{
		Secret: secret, Memory: memory, Log: logs.For(log, "keypool"), Models: []string{c.Model}, NoDoubles: !c.Double,
		Probe: func(ctx context.Context, k keypool.Key) keypool.Outcome { return reader.Probe(ctx, k) },
	})
	options, err := setup.Gemini(c)
	if err != nil {
		return nil, e, err
	}
	options.Pool, options.Log = pool, logs.For(log, "gemini")
	if reader, err = gemini.New(options); err != nil {
		return nil, e, err
	}
	e.gemini, e.noStore = reader, options.NoStore
	e.byName[reader.Name()], e.keys = reader, pool
	e.offline = setup.NewOffline(ctx, c, log)
	if err := e.offline.Err; err != nil {
		log.Warn("the offline engine is not available", "err", err, "neural", e.offline.Why)
		return pool, e, nil
	}
	log.Info("the offline engine is ready", "reader", e.offline.Says())
	e.byName[e.offline.Engine.Name()], e.witness = e.offline.Engine, e.offline.Witness
	if detector, err := e.offline.Engine.OrientationDetector(); err == nil {
		e.orientation = detector
	} else {
		log.Warn("orientation check unavailable", "err", err)
	}
	return pool, e, nil
}

// compares returns the witness of new batches.
func (e engines) compares(wanted bool) batch.Witness {
	if wanted && e.witness != nil {
		return batch.WitnessOffline
	}
	return batch.WitnessOff
}

// ending returns the models that answered and are deprecated or will be shut down, the earliest first.
func (e engines) ending() []web.Ending {
	var all []web.Ending
	for _, l := range e.gemini.Ending() {
		all = append(all, web.Ending{Model: l.Model, Retires: l.Retires, Message: l.Message})
	}
	return all
}

// offers returns the models that people may choose today.
func (e engines) offers() []web.Offer {
	var all []web.Offer
	for _, o := range e.gemini.Offers(time.Now()) {
		all = append(all, web.Offer(o))
	}
	return all
}

// Choose implements batch.Readers.
func (e engines) Choose(wish string) (name, model string, err error) {
	if wish == "" || wish == "auto" {
		wish = e.first
	}
	if wish == "auto" {
		wish = "tesseract"
		if e.keys.Len() > 0 {
			wish = "gemini"
		}
	}
	if e.byName[wish] == nil || wish == "gemini" && e.keys.Len() == 0 {
		return "", "", missing(wish)
	}
	if wish == "gemini" {
		model = e.model
	}
	return wish, model, nil
}

func missing(name string) error {
	switch name {
	case "gemini":
		return errs.New(errs.Invalid, "Google Gemini cannot read here, because no key is set. Choose Tesseract, or ask your technician to set GEMINI_API_KEY_1.")
	case "tesseract":
		return errs.New(errs.Invalid, "Nothing can read pictures here: no Gemini key is set and Tesseract is not installed. Ask your technician to set GEMINI_API_KEY_1, or to install the package tesseract-ocr.")
	default:
		return errs.New(errs.Invalid, "There is no engine %q. Choose auto, gemini or tesseract.", name)
	}
}

// intake lets imaging prepare the uploaded pictures.
type intake struct {
	preparer *imaging.Preparer
	danger   *danger.Guard
}

// Prepare implements batch.Intake.
func (i intake) Prepare(ctx context.Context, filename string, r io.Reader, have func(part int) bool) iter.Seq2[batch.Part, error] {
	ctx = i.danger.About(ctx, danger.Image{}, false) // no image yet: nothing is marked, but no image is opened alone meanwhile
	return func(yield func(batch.Part, error) bool) {
		for p, err := range i.preparer.Parts(ctx, filename, r, have) {
			part := batch.Part{N: p.N, Single: p.Single, Page: p.Page, Filename: p.Filename, Refused: p.Refused}
			if p.Picture != nil {
				part.Picture = prepared(p.Picture)
			}
			if !yield(part, err) {
				return
			}
		}
	}
}

// Rotate implements batch.Intake.
func (i intake) Rotate(ctx context.Context, data []byte, quarters int) (*batch.Prepared, error) {
	p, err := i.preparer.Rotate(ctx, data, quarters)
	if err != nil {
		return nil, err
	}
	return prepared(p), nil
}

func prepared(p *imaging.Prepared) *batch.Prepared {
	out := &batch.Prepared{
		Data: p.Data, MIME: p.MIME, Width: p.Width, Height: p.Height, Thumb: p.Thumb, Source: p.Source, PHash: p.PHash,
	}
	for _, n := range p.Notes {
		out.Notes = append(out.Notes, batch.Note{Kind: n.Kind, Message: n.Message})
	}
	return out
}

// keySecret returns the secret with which the stored names of keys are hashed. It has a file of its own, readable by the
// owner only; on a cluster it derives from SHEETLIFT_SECRET, which all processes share.
func keySecret(c *config.Config) ([]byte, error) {
	if c.Cluster.URL != "" {
		sum := sha256.Sum256([]byte(c.Secret))
		return sum[:], nil
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)
	if c.Data == config.Memory {
		return fresh, nil
	}
	name := filepath.Join(c.Data, "secret")
	old, err := os.ReadFile(name)
	if err == nil && len(old) == len(fresh) {
		return old, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errs.Wrap(err, errs.Unavailable, "The file %s cannot be read. Check who owns it", name)
	}
	return fresh, os.WriteFile(name, fresh, 0o600)
}
