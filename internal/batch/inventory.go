package batch

import (
	"context"
	"time"
)

// Inventory lists everything that is stored, referenced or not, and removes unreferenced things. Only the consistency checker
// (package upkeep) uses it; the other ports are enough for everybody else.
type Inventory interface {
	// Stored lists everything. For things that change during the listing, it may contain the old or the new state.
	Stored(ctx context.Context) (*Stored, error)
	// SweepPicture, SweepRows, SweepReading and SweepUnit remove one thing, unless it was stored at or after before. They
	// report whether it is gone; a thing that does not exist counts as gone.
	SweepPicture(ctx context.Context, p StoredPicture, before time.Time) (bool, error)
	SweepRows(ctx context.Context, r StoredRows, before time.Time) (bool, error)
	SweepReading(ctx context.Context, r StoredReading, before time.Time) (bool, error)
	SweepUnit(ctx context.Context, u Unit, before time.Time) (bool, error)
}

// Stored lists everything that is stored for batches, by name, in no order.
type Stored struct {
	Batches  []ID            // with a document, readable or not; some may be gone
	Images   map[ID][]int    // the same for images, by N
	Pictures []StoredPicture // by batch and key
	Rows     []StoredRows    // rows stored outside the document of their image
	Readings []StoredReading // cached readings
	Units    []Unit          // units of work, queued or in flight
}

// StoredPicture is a picture that is stored in at least one form.
type StoredPicture struct {
	Batch       ID
	Key         string
	Full, Thumb bool // the forms that exist
}

// StoredRows are rows that are too large for the document of their image.
type StoredRows struct {
	Batch ID
	N     int
	Name  string
	Used  bool // the image refers to them
}

// StoredReading is a cached reading, stored as the answer to a question.
type StoredReading struct {
	Question string
	Batch    ID // the image that it was made for
	N        int
}
