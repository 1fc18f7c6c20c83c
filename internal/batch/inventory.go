package batch

import (
	"context"
	"time"
)

// Inventory lists what is stored, whether or not anything refers to it, and takes away what nothing refers to. It is
// for the one who checks the store (package upkeep); nobody else needs more than the other ports.
type Inventory interface {
	// Stored lists everything. Of what changes while it is listed, the old or the new may be in it.
	Stored(ctx context.Context) (*Stored, error)
	// SweepPicture, SweepRows, SweepReading and SweepUnit remove one thing, unless it was stored at or after before; they report
	// whether it is gone. What is not there is gone.
	SweepPicture(ctx context.Context, p StoredPicture, before time.Time) (bool, error)
	SweepRows(ctx context.Context, r StoredRows, before time.Time) (bool, error)
	SweepReading(ctx context.Context, r StoredReading, before time.Time) (bool, error)
	SweepUnit(ctx context.Context, u Unit, before time.Time) (bool, error)
}

// Stored is everything that is stored under batches, by name, in no order.
type Stored struct {
	Batches  []ID            // that have a document, readable or not; some may be gone
	Images   map[ID][]int    // the same for images
	Pictures []StoredPicture // by batch and key
	Rows     []StoredRows    // that stand beside their image
	Readings []StoredReading // remembered as answers
	Units    []Unit          // of work, queued or in hand
}

// StoredPicture is a picture, in one form at least.
type StoredPicture struct {
	Batch       ID
	Key         string
	Full, Thumb bool // the forms there are
}

// StoredRows are rows too large for the document of their image.
type StoredRows struct {
	Batch ID
	N     int
	Name  string
	Used  bool // the image refers to them
}

// StoredReading is a reading that is remembered as the answer to a question.
type StoredReading struct {
	Question string
	Batch    ID // the image that it was read for
	N        int
}
