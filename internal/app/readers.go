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

	"sheetlift/internal/batch"
	"sheetlift/internal/config"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/gemini"
	"sheetlift/internal/engine/tesseract"
	"sheetlift/internal/errs"
	"sheetlift/internal/imaging"
	"sheetlift/internal/keypool"
)

// engines is what can read here, and which of them reads when nobody chose.
type engines struct {
	byName map[string]engine.Engine
	keys   *keypool.Pool
	first  string // SHEETLIFT_ENGINE
	model  string

	compass batch.Compass // nil where the offline engine cannot tell which way up a picture is
}

// readers builds the engines that can work here, with the pool of keys.
func readers(c *config.Config, secret []byte, memory keypool.Memory, log *slog.Logger) (*keypool.Pool, engines, error) {
	e := engines{byName: map[string]engine.Engine{}, first: c.Engine, model: c.Model}
	keys, err := parseKeys(c.Keys)
	if err != nil {
		return nil, e, err
	}
	var reader *gemini.Engine
	pool := keypool.New(keys, keypool.Options{
		Secret: secret, Memory: memory, Log: log, Models: []string{c.Model},
		Probe: func(ctx context.Context, k keypool.Key) keypool.Outcome { return reader.Probe(ctx, k) },
	})
	reader, err = gemini.New(gemini.Options{Pool: pool, BaseURL: c.BaseURL, Model: c.Model, Log: log})
	if err != nil {
		return nil, e, err
	}
	e.byName[reader.Name()], e.keys = reader, pool
	if offline, err := tesseract.New(tesseract.Options{Path: c.Tesseract}); err == nil {
		e.byName[offline.Name()] = offline
		if compass, err := offline.Compass(); err == nil {
			e.compass = compass
		} else {
			log.Warn("what stands upside down is not noticed", "err", err)
		}
	} else {
		log.Warn("the offline engine is not available", "err", err)
	}
	return pool, e, nil
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

// intake lets imaging prepare what is taken into batches.
type intake struct{ preparer *imaging.Preparer }

// Prepare implements batch.Intake.
func (i intake) Prepare(ctx context.Context, filename string, r io.Reader, have func(part int) bool) iter.Seq2[batch.Part, error] {
	return func(yield func(batch.Part, error) bool) {
		for p, err := range i.preparer.Parts(ctx, filename, r, have) {
			part := batch.Part{N: p.N, Alone: p.Alone, Page: p.Page, Filename: p.Filename, Refused: p.Refused}
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
		Data: p.Data, MIME: p.MIME, Width: p.Width, Height: p.Height, Thumb: p.Thumb, Source: p.Source, Look: p.Look,
	}
	for _, n := range p.Notes {
		out.Notes = append(out.Notes, batch.Note{Kind: n.Kind, Message: n.Message})
	}
	return out
}

// keySecret is what the stored names of keys are hashed with: a file of its own, for the owner only, or on a cluster what
// all processes were given.
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
