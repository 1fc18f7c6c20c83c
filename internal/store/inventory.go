package store

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/batch"
)

// Inventory implements batch.Inventory.
type Inventory struct{ s *Store }

// Inventory returns the list of everything stored.
func (s *Store) Inventory() *Inventory { return &Inventory{s} }

// Stored implements batch.Inventory. It lists names without contents, except for the rows that an image refers to.
func (i *Inventory) Stored(ctx context.Context) (*batch.Stored, error) {
	all := &batch.Stored{Images: map[batch.ID][]int{}}
	pictures := map[batch.StoredPicture]batch.StoredPicture{} // by batch and key
	rows := map[batch.StoredRows]bool{}
	for _, part := range []struct {
		stream, filter string
		take           func(parts []string)
	}{
		// Work first and documents last: so no listed entry is newer than the documents that refer to it.
		{workStream, "work.>", func(p []string) {
			if u, ok := parseUnit(strings.Join(p, ".")); ok {
				all.Units = append(all.Units, u)
			}
		}},
		{pictureStream, "pic.>", func(p []string) {
			if len(p) != 5 {
				return
			}
			key := batch.StoredPicture{Batch: batch.ID(p[1]), Key: p[2]}
			have, ok := pictures[key]
			if !ok {
				have = key
			}
			first := p[4] == "0" // without its first chunk a picture does not exist
			have.Full = have.Full || first && p[3] == string(batch.Full)
			have.Thumb = have.Thumb || first && p[3] == string(batch.Thumb)
			pictures[key] = have
		}},
		{pictureStream, "rows.>", func(p []string) {
			if len(p) == 5 {
				n, _ := strconv.Atoi(p[2])
				rows[batch.StoredRows{Batch: batch.ID(p[1]), N: n, Name: p[3]}] = true
			}
		}},
		{readingStream, "read.>", func(p []string) {
			if r, ok := parseReading(strings.Join(p, ".")); ok {
				all.Readings = append(all.Readings, r)
			}
		}},
		{"KV_images", i.s.images.prefix + "*.*", func(p []string) {
			n, _ := strconv.Atoi(p[3])
			all.Images[batch.ID(p[2])] = append(all.Images[batch.ID(p[2])], n)
		}},
		{"KV_batches", i.s.batches.prefix + "*", func(p []string) { all.Batches = append(all.Batches, batch.ID(p[2])) }},
	} {
		subjects, err := i.s.subjects(ctx, part.stream, part.filter)
		if err != nil {
			return nil, i.s.fail(ctx, err)
		}
		for subject := range subjects {
			part.take(strings.Split(subject, "."))
		}
	}
	all.Pictures = slices.Collect(maps.Values(pictures))
	for r := range rows {
		var err error
		if r.Used, err = i.s.refersTo(ctx, r); err != nil {
			return nil, i.s.fail(ctx, err)
		}
		all.Rows = append(all.Rows, r)
	}
	return all, nil
}

// subjects returns the subjects of a stream that match the filter, with their numbers of messages.
func (s *Store) subjects(ctx context.Context, stream, filter string) (subjects map[string]uint64, err error) {
	err = s.try(ctx, func(ctx context.Context) error {
		str, err := s.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		info, err := str.Info(ctx, jetstream.WithSubjectFilter(filter))
		if err == nil {
			subjects = info.State.Subjects
		}
		return err
	})
	return subjects, err
}

// refersTo reports whether the document of the image refers to these rows; a damaged one might.
func (s *Store) refersTo(ctx context.Context, r batch.StoredRows) (bool, error) {
	key, err := imageKey(r.Batch, r.N)
	if err != nil {
		return false, nil // no image can have this number
	}
	d, err := s.images.get(ctx, key)
	switch {
	case missing(err):
		return false, nil
	case errors.Is(err, errDamaged):
		return true, nil
	case err != nil:
		return false, err
	}
	var doc struct {
		Aside string `json:"aside"`
	}
	if err := json.Unmarshal(d.data, &doc); err != nil {
		return true, nil
	}
	return doc.Aside == r.Name, nil
}

// SweepPicture implements batch.Inventory.
func (i *Inventory) SweepPicture(ctx context.Context, p batch.StoredPicture, before time.Time) (bool, error) {
	if checkID(p.Batch) != nil || !token(p.Key) {
		return false, badKey(p.Key)
	}
	return i.s.sweep(ctx, pictureStream, "pic."+string(p.Batch)+"."+p.Key+".>", before)
}

// SweepRows implements batch.Inventory.
func (i *Inventory) SweepRows(ctx context.Context, r batch.StoredRows, before time.Time) (bool, error) {
	if checkID(r.Batch) != nil || !token(r.Name) {
		return false, badKey(r.Name)
	}
	return i.s.sweep(ctx, pictureStream, rowsSubject(r.Batch, r.N, r.Name)+".>", before)
}

// SweepUnit implements batch.Inventory. A leased unit is removed too; its worker's acks are then ignored.
func (i *Inventory) SweepUnit(ctx context.Context, u batch.Unit, before time.Time) (bool, error) {
	if err := checkUnit(u); err != nil {
		return false, err
	}
	return i.s.sweep(ctx, workStream, unitSubject(u), before)
}

// sweep purges the messages that match the filter: all of them, or none if one is younger than before. A message
// written between the check and the purge has a higher sequence number and stays.
func (s *Store) sweep(ctx context.Context, stream, filter string, before time.Time) (gone bool, err error) {
	subjects, err := s.subjects(ctx, stream, filter)
	if err != nil || len(subjects) == 0 {
		return err == nil, s.fail(ctx, err)
	}
	err = s.try(ctx, func(ctx context.Context) error {
		gone = false
		str, err := s.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		var last uint64
		for subject := range subjects {
			m, err := str.GetLastMsgForSubject(ctx, subject)
			switch {
			case missing(err):
				continue
			case err != nil:
				return err
			case !m.Time.Before(before):
				return nil
			}
			last = max(last, m.Sequence)
		}
		gone = true
		if last == 0 {
			return nil
		}
		return str.Purge(ctx, jetstream.WithPurgeSubject(filter), jetstream.WithPurgeSequence(last+1))
	})
	return gone && err == nil, s.fail(ctx, err)
}
