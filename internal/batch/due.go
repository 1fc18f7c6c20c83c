package batch

import (
	"context"
	"strconv"
	"time"

	"sheetlift/internal/errs"
)

const (
	// DefaultKeep is how long a batch is kept after its end when nobody says otherwise.
	DefaultKeep = 24 * time.Hour
	// KeepForever keeps a batch until a person deletes it.
	KeepForever time.Duration = -1

	keepLeast = time.Hour
	keepMost  = 10 * 365 * 24 * time.Hour
	// draftKeep is how long an untouched draft is kept at least: people put a batch together over a day.
	draftKeep = 24 * time.Hour
	// farthest is how far ahead a start may be set.
	farthest = 366 * 24 * time.Hour
)

func checkKeep(d time.Duration) error {
	if d > 0 && (d < keepLeast || d > keepMost) {
		return errs.New(errs.Invalid, "A batch cannot be kept for %s; choose a time from an hour to ten years.", d)
	}
	return nil
}

// The words for how long a batch is kept that are not durations.
const (
	keepAsSet   = "default"
	keepForever = "forever"
)

// ParseKeep understands how long a batch is kept after its end: "default", "forever", or a duration such as "168h".
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

// KeepWord is the reverse of ParseKeep, in whole hours.
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

// Duty is what time asks to be done about a batch.
type Duty string

// The duties.
const (
	NoDuty      Duty = ""
	DutyStart   Duty = "start"   // its time has come
	DutyErase   Duty = "erase"   // it was deleted, or it ended long enough ago
	DutyAbandon Duty = "abandon" // a draft that may have been left: see Service.Abandon
)

// Due is what time asks next about b, and when, by what is written in it alone, so that it survives every restart and
// is the same on every machine.
func (s *Service) Due(b *Batch) (Duty, time.Time) {
	keep := s.Keep(b)
	switch {
	case !b.Deleted.IsZero():
		return DutyErase, b.Deleted.Add(UndoFor)
	case b.Status == Scheduled:
		return DutyStart, b.StartAt
	case b.Status.Final() && keep > 0:
		return DutyErase, b.Ended.Add(keep)
	case b.Status == Draft && keep > 0:
		return DutyAbandon, b.Created.Add(max(keep, draftKeep))
	default:
		return NoDuty, time.Time{}
	}
}

// Keep is how long b is kept after its end; KeepForever when no time ends it.
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

// SetKeep says how long a batch is kept after its end, at any time: 0 is the program's own, KeepForever for ever.
func (s *Service) SetKeep(ctx context.Context, id ID, keep time.Duration) (*Batch, error) {
	if err := checkKeep(keep); err != nil {
		return nil, err
	}
	return s.change(ctx, id, func(b *Batch) (bool, error) {
		changed := b.Options.Keep != keep
		b.Options.Keep = keep
		return changed, nil
	})
}

// Do does what Due said, if it still is so at now. It may be called by any number of machines at once.
func (s *Service) Do(ctx context.Context, id ID, now time.Time) error {
	b, err := s.hidden(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	duty, at := s.Due(b)
	if at.After(now) {
		return nil
	}
	switch duty {
	case DutyStart:
		_, err = s.Start(ctx, id)
	case DutyErase:
		err = s.Erase(ctx, id)
	case DutyAbandon:
		err = s.abandon(ctx, b, now)
	case NoDuty:
	}
	return err
}

// abandon erases a draft into which nothing came for as long as it is kept.
func (s *Service) abandon(ctx context.Context, b *Batch, now time.Time) error {
	images, err := s.ports.Repository.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	touched := b.Created
	for _, m := range images {
		touched = later(touched, m.Added)
	}
	if touched.Add(max(s.Keep(b), draftKeep)).After(now) {
		return nil
	}
	return s.Discard(ctx, b.ID)
}

// Schedule has a draft start by itself at a time in the next year; the time can be changed until then.
func (s *Service) Schedule(ctx context.Context, id ID, at time.Time) (*Batch, error) {
	switch now := time.Now(); {
	case !at.After(now):
		return nil, errs.New(errs.Invalid, "That time has passed. Choose a later one, or start the batch now.")
	case at.After(now.Add(farthest)):
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
		if _, _, err := s.ports.Readers.Choose(b.Engine); err != nil {
			return false, err
		}
		b.Status, b.StartAt = Scheduled, at.UTC()
		return true, nil
	})
}

// Unschedule makes a batch that waits for its time a draft again. A draft stays one; a started batch is a Conflict.
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
