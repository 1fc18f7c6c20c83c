package batch

import (
	"context"
	"strconv"
	"time"

	"sheetlift/internal/errs"
)

const (
	// DefaultKeep is how long a batch is kept after its end by default: temporary, but longer than a weekend.
	DefaultKeep = 7 * 24 * time.Hour
	// KeepForever keeps a batch until a person deletes it.
	KeepForever time.Duration = -1

	minKeep = time.Hour
	maxKeep = 10 * 365 * 24 * time.Hour
)

// draftKeep is the minimum time that an untouched draft is kept: people put a batch together over a day.
const draftKeep = 24 * time.Hour

// maxStartAhead is how far ahead a start may be scheduled.
const maxStartAhead = 366 * 24 * time.Hour

func checkKeep(d time.Duration) error {
	if d > 0 && (d < minKeep || d > maxKeep) {
		return errs.New(errs.Invalid, "A batch cannot be kept for %s; choose a time from an hour to ten years.", d)
	}
	return nil
}

// The retention words that are not durations.
const (
	keepAsSet   = "default"
	keepForever = "forever"
)

// ParseKeep parses a retention time: "default", "forever", or a duration such as "168h".
func ParseKeep(word string) (time.Duration, error) {
	switch word {
	case keepAsSet:
		return 0, nil
	case keepForever:
		return KeepForever, nil
	}
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 {
		return 0, errs.New(errs.Invalid, "A batch cannot be kept for “%s”; choose a time from an hour to ten years.", cleanName(word))
	}
	return d, nil
}

// KeepWord is the inverse of ParseKeep, in whole hours.
func KeepWord(keep time.Duration) string {
	switch {
	case keep < 0:
		return keepForever
	case keep == 0:
		return keepAsSet
	default:
		return strconv.Itoa(int(keep.Hours())) + "h"
	}
}

// Deadline is an action on a batch that is triggered by time.
type Deadline string

// The deadlines.
const (
	NoDeadline      Deadline = ""
	DeadlineStart   Deadline = "start"   // the scheduled time has come
	DeadlineErase   Deadline = "erase"   // it was deleted, or its retention after the end is over
	DeadlineAbandon Deadline = "abandon" // a draft that may be abandoned: see Service.abandon
)

// NextDeadline returns the next time-triggered action on b and its time. It depends only on stored fields, so the result survives every
// restart and is the same on every machine.
func (s *Service) NextDeadline(b *Batch) (Deadline, time.Time) {
	keep := s.Keep(b)
	switch {
	case !b.Deleted.IsZero():
		return DeadlineErase, b.Deleted.Add(UndoFor)
	case b.Status == Scheduled:
		return DeadlineStart, b.StartAt
	case b.Status.Final() && keep > 0:
		return DeadlineErase, b.Ended.Add(keep)
	case b.Status == Draft && keep > 0:
		return DeadlineAbandon, b.Created.Add(max(keep, draftKeep))
	default:
		return NoDeadline, time.Time{}
	}
}

// Keep returns how long b is kept after its end; KeepForever if it is never erased automatically.
func (s *Service) Keep(b *Batch) time.Duration {
	switch keep := b.Options.Keep; {
	case keep > 0:
		return keep
	case keep < 0 || s.limits.Keep < 0:
		return KeepForever
	default:
		return s.limits.Keep
	}
}

// RunDue carries out the deadline that NextDeadline returns, if it is due at now. Any number of machines may call it at once.
func (s *Service) RunDue(ctx context.Context, id ID, now time.Time) error {
	b, err := s.getAny(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	deadline, at := s.NextDeadline(b)
	if at.After(now) {
		return nil
	}
	switch deadline {
	case DeadlineStart:
		_, err = s.Start(ctx, id)
	case DeadlineErase:
		err = s.Erase(ctx, id)
	case DeadlineAbandon:
		err = s.abandon(ctx, b, now)
	case NoDeadline:
	}
	return err
}

// abandon erases a draft that received no upload during its retention time.
func (s *Service) abandon(ctx context.Context, b *Batch, now time.Time) error {
	images, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	touched := b.Created
	for _, m := range images {
		if m.Added.After(touched) {
			touched = m.Added
		}
	}
	if touched.Add(max(s.Keep(b), draftKeep)).After(now) {
		return nil
	}
	return s.Discard(ctx, b.ID)
}

// Schedule sets the time at which a draft starts automatically, at most a year ahead. It can be changed until then.
func (s *Service) Schedule(ctx context.Context, id ID, at time.Time) (*Batch, error) {
	return s.ScheduleWith(ctx, id, at, Settings{})
}

// ScheduleWith is Schedule with settings that are changed in the same compare-and-swap.
func (s *Service) ScheduleWith(ctx context.Context, id ID, at time.Time, set Settings) (*Batch, error) {
	switch now := time.Now(); {
	case !at.After(now):
		return nil, errs.New(errs.Invalid, "That time has passed. Choose a later one, or start the batch now.")
	case at.After(now.Add(maxStartAhead)):
		return nil, errs.New(errs.Invalid, "That is more than a year ahead. Choose an earlier time.")
	}
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		if b.Status != Draft && b.Status != Scheduled {
			return false, errs.New(errs.Conflict, "This batch was started already.")
		}
		images, err := s.ports.Repository.Images(ctx, id)
		if err != nil {
			return false, err
		}
		if len(images) == 0 {
			return false, errs.New(errs.Invalid, "This batch has no images yet. Add at least one picture, then start it.")
		}
		if _, _, err = s.ports.Readers.Choose(b.Engine); err != nil {
			return false, err
		}
		b.Status, b.StartAt = Scheduled, at.UTC()
		_, err = s.apply(b, set)
		return true, err
	})
}

// Unschedule makes a scheduled batch a draft again. A draft stays a draft; a started batch is a Conflict.
func (s *Service) Unschedule(ctx context.Context, id ID) (*Batch, error) {
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		switch b.Status {
		case Draft:
			return false, nil
		case Scheduled:
			b.Status, b.StartAt = Draft, time.Time{}
			return true, nil
		default:
			return false, errs.New(errs.Conflict, "This batch was started already.")
		}
	})
}
