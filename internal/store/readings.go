package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

const readingStream = "READINGS"

// maxReading is the maximum size of an uncompressed reading in bytes; no larger one can have been written.
const maxReading = 64 << 20

// openReadings opens the cache of readings: one message per question, under the question and the image that it was
// read for.
func (s *Store) openReadings(ctx context.Context) error {
	stream, err := s.makeStream(ctx, jetstream.StreamConfig{Name: readingStream, Subjects: []string{"read.>"}, MaxMsgsPerSubject: 1})
	s.readings = stream
	return err
}

// Readings implements batch.ReadingCache.
type Readings struct{ s *Store }

// Readings returns the cache of readings.
func (s *Store) Readings() *Readings { return &Readings{s} }

// PutReading implements batch.ReadingCache; Full when the disk is nearly full.
func (c *Readings) PutReading(ctx context.Context, question string, r *batch.Reading) error {
	subject, err := readingSubject(batch.StoredReading{Question: question, Batch: r.Batch, N: r.N})
	if err != nil {
		return err
	}
	data, err := pack(r)
	if err != nil {
		return c.s.fail(ctx, err)
	}
	if len(data) > maxDoc {
		return errs.New(errs.TooLarge, "What was read of image %d is too large to be remembered.", r.N)
	}
	if err := c.s.room(len(data)); err != nil {
		return err
	}
	return c.s.fail(ctx, c.s.try(ctx, func(ctx context.Context) error {
		m := nats.NewMsg(subject)
		m.Data = data
		m.Header.Set(sumHeader, sum(data))
		ack, err := c.s.js.PublishMsg(ctx, m)
		if err != nil {
			return err
		}
		return c.s.readings.Purge(ctx, jetstream.WithPurgeSubject("read."+question+".>"), jetstream.WithPurgeSequence(ack.Sequence))
	}))
}

// GetReading implements batch.ReadingCache. A damaged entry is Unavailable; the next PutReading replaces it.
func (c *Readings) GetReading(ctx context.Context, question string) (*batch.Reading, error) {
	if !token(question) {
		return nil, badKey(question)
	}
	var m *jetstream.RawStreamMsg
	err := c.s.try(ctx, func(ctx context.Context) (err error) {
		m, err = c.s.readings.GetLastMsgForSubject(ctx, "read."+question+".>")
		return err
	})
	if err != nil {
		return nil, c.s.fail(ctx, err)
	}
	r, err := unpack(m)
	return r, c.s.fail(ctx, err)
}

// PurgeReadings implements batch.ReadingCache.
func (c *Readings) PurgeReadings(ctx context.Context, id batch.ID) error {
	if err := checkID(id); err != nil {
		return err
	}
	return c.s.fail(ctx, c.s.try(ctx, func(ctx context.Context) error {
		return c.s.readings.Purge(ctx, jetstream.WithPurgeSubject("read.*."+string(id)+".>"))
	}))
}

// SweepReading implements batch.Inventory.
func (i *Inventory) SweepReading(ctx context.Context, r batch.StoredReading, before time.Time) (bool, error) {
	subject, err := readingSubject(r)
	if err != nil {
		return false, err
	}
	return i.s.sweep(ctx, readingStream, subject, before)
}

func pack(r *batch.Reading) ([]byte, error) {
	var compressed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&compressed, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(zip).Encode(r); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return compressed.Bytes(), nil
}

func unpack(m *jetstream.RawStreamMsg) (*batch.Reading, error) {
	whose, ok := parseReading(m.Subject)
	if !ok || m.Header.Get(sumHeader) != sum(m.Data) {
		return nil, fmt.Errorf("%w: %s", errDamaged, m.Subject)
	}
	zip, err := gzip.NewReader(bytes.NewReader(m.Data))
	r := &batch.Reading{Batch: whose.Batch, N: whose.N}
	if err == nil {
		err = json.NewDecoder(io.LimitReader(zip, maxReading)).Decode(r)
	}
	if err != nil {
		return nil, errors.Join(errDamaged, err)
	}
	return r, nil
}

func readingSubject(r batch.StoredReading) (string, error) {
	if !token(r.Question) {
		return "", badKey(r.Question)
	}
	key, err := imageKey(r.Batch, r.N)
	return "read." + r.Question + "." + key, err
}

// parseReading is the inverse of readingSubject.
func parseReading(subject string) (batch.StoredReading, bool) {
	p := strings.Split(subject, ".")
	if len(p) != 4 || p[0] != "read" {
		return batch.StoredReading{}, false
	}
	n, err := strconv.Atoi(p[3])
	return batch.StoredReading{Question: p[1], Batch: batch.ID(p[2]), N: n}, err == nil
}
