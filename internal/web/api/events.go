package api

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/errs"
)

// Events renders the changes of one batch as JSON for the feed. Each line of an event is one object: {"batch": …} with the
// fields of GET /api/v1/batches/{id}, {"image": …} with those of GET …/images, or {"gone": true} once the batch is deleted.
type Events struct {
	batches  *batch.Batches
	progress *progress.Progress
	id       batch.ID
}

// NewEvents returns the events of the batch id.
func NewEvents(batches *batch.Batches, progress *progress.Progress, id batch.ID) Events {
	return Events{batches: batches, progress: progress, id: id}
}

// gone is the last event of a batch that was deleted.
var gone = []byte(`{"gone":true}`)

// Snapshot returns the batch and all its images, in the batch's order.
func (e Events) Snapshot(ctx context.Context) ([]byte, error) {
	head, images, err := e.state(ctx)
	if err != nil || images == nil {
		return head, err
	}
	lines := [][]byte{head}
	for _, m := range images {
		line, err := imageLine(m)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return bytes.Join(lines, []byte("\n")), nil
}

// Delta returns the images named by items, which are their numbers, and the batch. An item that is not an image of the batch is
// left out.
func (e Events) Delta(ctx context.Context, items []string) (byItem map[string][]byte, head []byte, err error) {
	head, images, err := e.state(ctx)
	if err != nil {
		return nil, nil, err
	}
	wanted := make(map[string]bool, len(items))
	for _, item := range items {
		wanted[item] = true
	}
	byItem = map[string][]byte{}
	for _, m := range images {
		if n := strconv.Itoa(m.N); wanted[n] {
			if byItem[n], err = imageLine(m); err != nil {
				return nil, nil, err
			}
		}
	}
	return byItem, head, nil
}

// state returns the line of the batch and its images; for a batch that was deleted, the line that says so and nil.
func (e Events) state(ctx context.Context) (head []byte, images []*batch.Image, err error) {
	o, err := e.newest(ctx)
	if errs.Is(err, errs.NotFound) {
		return gone, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	images, err = e.batches.Images(ctx, e.id)
	if err != nil {
		return nil, nil, err
	}
	o.Images = max(o.Images, len(images))
	o.Counts.Issues = doubt.Count(o.Batch, images)
	head, err = json.Marshal(eventLine{Batch: new(newBatch(o))})
	return head, images, err
}

// newest returns the batch as Progress has it, which has seen the change that is being told, or as stored if that is newer: a
// program that opens the stream after a call of its own sees its effect.
func (e Events) newest(ctx context.Context) (progress.Overview, error) {
	o, err := e.progress.Overview(ctx, e.id)
	if err != nil {
		return o, err
	}
	b, err := e.batches.Batch(ctx, e.id)
	if err == nil && b.Rev > o.Batch.Rev {
		o.Batch = e.progress.Shown(b)
	}
	return o, err
}

func imageLine(m *batch.Image) ([]byte, error) {
	return json.Marshal(eventLine{Image: new(newImage(m))})
}
