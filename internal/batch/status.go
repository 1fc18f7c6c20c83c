package batch

import (
	"slices"

	"sheetlift/internal/errs"
)

// Status is the status of an image or a batch. The words are stored and part of the API.
type Status string

// The statuses. An image uses Pending to Canceled except Paused; a batch uses all but Retrying.
const (
	Draft      Status = "draft"      // a batch that is being put together
	Scheduled  Status = "scheduled"  // a batch with a start time
	Pending    Status = "pending"    // queued
	Processing Status = "processing" // an image: waiting for its first call, or in it
	Paused     Status = "paused"     // a paused batch, see PauseReason
	Retrying   Status = "retrying"   // an image: waiting for a later attempt, or in it
	Completed  Status = "completed"  // a batch: ended, and at least one image was read
	Failed     Status = "failed"     // a batch: ended, and no image was read
	Canceled   Status = "canceled"
)

// PauseReason is the reason of a pause; only PausedByUser needs a person to resume.
type PauseReason string

// The reasons.
const (
	PausedByUser PauseReason = "user"
	PausedByKeys PauseReason = "keys"
	PausedByDisk PauseReason = "disk"
)

// Priority orders batches, and the images within a batch.
type Priority string

// The priorities. The zero value counts as Normal.
const (
	High   Priority = "high"
	Normal Priority = "normal"
	Low    Priority = "low"
)

// Level returns the rank of a priority: the higher one goes first, Normal is 0.
func (p Priority) Level() int {
	switch p {
	case High:
		return 1
	case Low:
		return -1
	default:
		return 0
	}
}

// Check returns an error for a priority that does not exist.
func (p Priority) Check() error {
	if p != High && p != Normal && p != Low {
		return errs.At("priority", errs.New(errs.Invalid, "There is no priority %q. Choose high, normal or low.", p))
	}
	return nil
}

// imageNext maps each status of an image to the allowed next ones. Only a manual retry and typing lead out of a final status.
var imageNext = map[Status][]Status{
	Draft:      {Pending},
	Pending:    {Processing, Retrying, Failed, Canceled},
	Processing: {Pending, Processing, Retrying, Completed, Failed, Canceled}, // Pending: returned before its first attempt
	Retrying:   {Processing, Retrying, Completed, Failed, Canceled},
	Completed:  {Retrying},
	Failed:     {Retrying, Canceled, Completed}, // Completed: a person typed its rows
	Canceled:   {Retrying, Completed},
}

// batchNext is the same for a batch.
var batchNext = map[Status][]Status{
	Draft:      {Scheduled, Pending, Processing, Canceled},
	Scheduled:  {Draft, Pending, Processing, Canceled},
	Pending:    {Processing, Paused, Completed, Failed, Canceled},
	Processing: {Paused, Completed, Failed, Canceled},
	Paused:     {Paused, Pending, Processing, Completed, Failed, Canceled},
	Completed:  {Processing},
	Failed:     {Processing, Completed}, // Completed: a person typed the rows of an image
	Canceled:   {Processing, Completed},
}

// ImageMayBecome reports whether an image in status s may get status next.
func (s Status) ImageMayBecome(next Status) bool { return slices.Contains(imageNext[s], next) }

// BatchMayBecome reports whether a batch in status s may get status next.
func (s Status) BatchMayBecome(next Status) bool { return slices.Contains(batchNext[s], next) }

// Final reports whether the status only changes on request.
func (s Status) Final() bool { return s == Completed || s == Failed || s == Canceled }

// Active reports whether an image is in flight: begun and not final.
func (s Status) Active() bool { return s == Processing || s == Retrying }
