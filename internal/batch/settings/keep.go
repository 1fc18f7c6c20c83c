package settings

import (
	"strconv"
	"time"

	"sheetlift/internal/batch"
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

// CheckKeep returns an error for a retention that cannot be chosen.
func CheckKeep(d time.Duration) error {
	if d > 0 && (d < minKeep || d > maxKeep) {
		return errs.At("keep", errs.New(errs.Invalid, "A batch cannot be kept for %s; choose a time from an hour to ten years.", d))
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
		return 0, errs.At("keep", errs.New(errs.Invalid, "A batch cannot be kept for “%s”; choose a time from an hour to ten years.", batch.CleanName(word)))
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
