package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

// pieceCache caches each piece of a long picture as soon as it is read. If an attempt fails at a later piece, or is
// canceled, the next attempt reuses the pieces before. A cached piece is valid only for the image that it was read for, and
// only until that image is completed: a reading that a person requests afterwards is entirely new.
type pieceCache struct {
	engine.Engine
	attempt *attempt
	image   *batch.Image
}

// Read returns a piece that was read by an earlier attempt, at no cost, or reads it.
func (k *pieceCache) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	question := k.question(req)
	if kept := k.cached(ctx, question); kept != nil {
		return &engine.Reading{Columns: kept.Columns, Rows: kept.Rows, Issues: kept.Issues, Text: kept.Text, Model: kept.Model}, nil
	}
	reading, err := k.Engine.Read(ctx, req)
	if err != nil {
		return nil, err
	}
	k.attempt.spent = k.attempt.spent.Plus(reading.Usage)
	if question != "" {
		k.attempt.putCache(context.WithoutCancel(ctx), question, reading) // also during shutdown: the call is paid for
	}
	return reading, nil
}

// question returns the cache key of a piece: a digest of all that its answer depends on; "" when nothing is cached.
func (k *pieceCache) question(req engine.Request) string {
	sum := sha256.Sum256(req.Picture)
	return k.attempt.digest(hex.EncodeToString(sum[:]), req.Question(),
		"piece", string(k.image.Batch), strconv.Itoa(k.image.N), strconv.Itoa(k.image.Round))
}

// cached returns the cached reading of a piece; nil when the piece has to be read.
func (k *pieceCache) cached(ctx context.Context, question string) *batch.Reading {
	if question == "" {
		return nil
	}
	r, err := k.attempt.runner.ReadingCache.GetReading(ctx, question)
	switch {
	case errs.Is(err, errs.NotFound):
		return nil
	case err != nil:
		k.attempt.runner.Log.Warn("the pieces read before cannot be looked up; a piece is read again", "batch", k.image.Batch, "image", k.image.N, "err", err)
		return nil
	case time.Since(r.Read) > k.attempt.runner.Reuse, !k.attempt.stillServes(r):
		return nil
	}
	return r
}
