package batch

import (
	"context"
	"io"
	"iter"
	"time"

	"sheetlift/internal/table"
)

// Repository keeps batches and images. Reads return fresh values that the caller may change. Errors are of package
// errs: NotFound, Conflict for a lost compare-and-swap or an existing key, Unavailable when the store does not answer
// in time, Full when there is no room.
type Repository interface {
	// CreateBatch stores a new batch durably and sets its Rev.
	CreateBatch(ctx context.Context, b *Batch) error
	// Batch returns one batch as stored.
	Batch(ctx context.Context, id ID) (*Batch, error)
	// SaveBatch writes b if the stored revision is still b.Rev, and sets the new one.
	SaveBatch(ctx context.Context, b *Batch) error

	// CreateImage stores a new image durably; Conflict when that batch has an image with that N.
	CreateImage(ctx context.Context, m *Image) error
	// Image returns one image as stored.
	Image(ctx context.Context, id ID, n int) (*Image, error)
	// Images returns all images of a batch that are stored, ordered by N. It fails rather than hangs; whether one is
	// missing the domain checks against Batch.Order.
	Images(ctx context.Context, id ID) ([]*Image, error)
	// SaveImage writes m if the stored revision is still m.Rev, and sets the new one.
	SaveImage(ctx context.Context, m *Image) error
	// RemoveImage removes m if the stored revision is still m.Rev. Watchers get a Change that is Gone.
	RemoveImage(ctx context.Context, m *Image) error
	// RemoveBatch removes a batch and its images, and then what Readings remembers of them. Pictures and work are dropped
	// through their own ports, before.
	RemoveBatch(ctx context.Context, id ID) error
}

// Unit is one piece of work: image N of a batch, fenced by Seq, the image's Work number when it was queued.
type Unit struct {
	Batch ID
	N     int
	Seq   int
}

// Queue holds units of work durably, each at most once, and hands every unit to one worker at a time.
type Queue interface {
	// Add queues units. A unit that is queued or in hand already stays as it is: Add may be repeated.
	Add(ctx context.Context, units []Unit) error
	// Open returns the lane of one batch, with at most atOnce units in hand on all machines. Opening a lane again
	// changes its limit.
	Open(ctx context.Context, id ID, atOnce int) (Lane, error)
	// Drop forgets all units of a batch and its lane.
	Drop(ctx context.Context, id ID) error
}

// Lane yields the work of one batch. Next may be called by one goroutine at a time.
type Lane interface {
	// Next waits for a unit that may be worked on now, until ctx ends.
	Next(ctx context.Context) (Work, error)
	// Close stops fetching; units fetched and not yet returned by Next go back at once.
	Close()
}

// Work is a unit in hand. It comes back to another worker unless it is extended within 30 s or finished.
type Work interface {
	Unit() Unit
	// Extend says that the unit is still being worked on.
	Extend(ctx context.Context) error
	// Done removes the unit for good, durably on return.
	Done(ctx context.Context) error
	// Back gives the unit back, to be handed out again after d.
	Back(ctx context.Context, d time.Duration) error
}

// Reading is what was read of a picture, as it was read: what people change of it later is not in it.
type Reading struct {
	Read    time.Time     `json:"read"` // when
	Engine  string        `json:"engine"`
	Model   string        `json:"model,omitempty"`   // that answered
	Columns []string      `json:"columns,omitempty"` // header of an open table
	Rows    []table.Row   `json:"rows,omitempty"`
	Issues  []table.Issue `json:"issues,omitempty"` // what the engine doubted; rules are checked anew
	Text    string        `json:"text,omitempty"`

	Batch ID  `json:"-"` // the image that it was read for
	N     int `json:"-"`
}

// Readings remembers what was read, by the question that it answers, so that nobody pays for the same question twice. A
// reading belongs to the batch that it was read for and goes with it.
type Readings interface {
	// Remember keeps r as the one answer to the question, a digest in hex; an earlier answer is forgotten. One that is
	// too large to be kept is TooLarge.
	Remember(ctx context.Context, question string, r *Reading) error
	// Recall returns the answer to the question, or NotFound.
	Recall(ctx context.Context, question string) (*Reading, error)
	// Forget forgets what was read for a batch. Repeating it is not an error.
	Forget(ctx context.Context, id ID) error
}

// Kind is which form of a picture is meant.
type Kind string

// The forms.
const (
	Full  Kind = "full"  // as the engine gets it
	Thumb Kind = "thumb" // small, for lists
)

// Pictures keeps prepared pictures, by batch and Picture.Key, as long as the batch.
type Pictures interface {
	// PutPicture stores data durably; putting the same key again replaces it.
	PutPicture(ctx context.Context, id ID, key string, kind Kind, data []byte) error
	// GetPicture returns it whole, or NotFound.
	GetPicture(ctx context.Context, id ID, key string, kind Kind) ([]byte, error)
	// DropPicture removes all forms of one picture; the empty key means all of the batch.
	DropPicture(ctx context.Context, id ID, key string) error
}

// Change is one thing that changed, as the store has it now. Exactly one of Batch and Image is set unless Gone.
type Change struct {
	ID    ID
	N     int    // image, or 0 for the batch itself
	Batch *Batch // shared: read only
	Image *Image // shared: read only
	Gone  bool   // the batch or image was removed
}

// Changes tells of every change, by whichever process, in the order of the store, one watch for the whole process.
type Changes interface {
	// Subscribe calls f for each change from one goroutine; f must return at once and not call back. The batches
	// that exist come first; Subscribe returns after f has seen them. The returned function ends it and waits
	// until f runs no more.
	Subscribe(ctx context.Context, f func(Change)) (cancel func(), err error)
	// CatchUp waits until all subscribers were told of every image that this process had stored before the call.
	// Unavailable when that takes more than a second, as it does when such a change was erased before it was told.
	CatchUp(ctx context.Context) error
}

// Prepared is a picture ready for the engine, with its thumbnail.
type Prepared struct {
	Data   []byte // JPEG or PNG: upright, bounded, free of metadata
	MIME   string
	Width  int
	Height int
	Thumb  []byte // JPEG, at most 256 pixels a side
	Source string // SHA-256 of the picture as sent, hex: of the file, of the file in its archive, or of file and page
	Look   string // a perceptual hash, hex; see Resembling
	Notes  []Note
}

// Part is one picture that came out of a file.
type Part struct {
	N        int       // which part of the file, from 1, the same each time the file is read
	Alone    bool      // the file is just this picture
	Page     int       // of the document Filename, from 1; 0 for a picture
	Filename string    // of the file, or in its archive
	Picture  *Prepared // nil when it is refused
	Refused  error     // errs.Invalid or errs.TooLarge: the message names the file, the reason and the remedy
}

// Intake turns files as sent into prepared pictures.
type Intake interface {
	// Prepare reads a file once and yields its parts in their order, each when it is ready, without those that the
	// caller has already. A part that is refused does not hold up the others. An error ends it: errs.Invalid or
	// errs.TooLarge for a file that cannot be used at all, or no further; any other is not the file's fault.
	Prepare(ctx context.Context, filename string, r io.Reader, have func(part int) bool) iter.Seq2[Part, error]
	// Rotate turns a prepared picture clockwise by quarters of a circle, 1 to 3, and makes its thumbnail anew. What it
	// returns has no Source and no Notes.
	Rotate(ctx context.Context, data []byte, quarters int) (*Prepared, error)
}

// Compass tells which way up a picture is. It is asked for one picture at a time.
type Compass interface {
	// Turn returns by how many quarters of a circle, clockwise, a prepared picture must be turned to stand upright: 1 to 3,
	// or 0 when it stands upright or that is not plain. An error is about the machine, or the picture, and means as much.
	Turn(ctx context.Context, picture []byte) (quarters int, err error)
}

// Templates keeps saved columns. Errors are as those of Repository.
type Templates interface {
	// Templates returns all, in no order.
	Templates(ctx context.Context) ([]*Template, error)
	// SaveTemplate stores t durably under its ID; the last one wins.
	SaveTemplate(ctx context.Context, t *Template) error
	// RemoveTemplate forgets one; one that is not there is no error.
	RemoveTemplate(ctx context.Context, id string) error
}

// Sampler reads one picture at once, outside the queue, for a person who waits. A sample that is paid for is kept for a
// while: the same picture asked the same is not read again, here or when the batch is started.
type Sampler interface {
	// Sample reads m with the columns t by the engine and model that Readers chose. An error carries a sentence for the
	// person and what to do.
	Sample(ctx context.Context, m *Image, t table.Table, engine, model string) (*Sample, error)
}

// Sample is what one picture gave.
type Sample struct {
	Columns []string // header of an open table
	Rows    []table.Row
	Issues  []table.Issue
	Engine  string
	Model   string
	Key     string // label
	Tokens  int
	USD     float64
	Took    time.Duration
	Kept    bool // it had been read before, and cost nothing now
}

// Readers says which engine will read.
type Readers interface {
	// Choose returns the engine and model for a wish ("", "auto", "gemini", "tesseract"), or Invalid with the remedy
	// when that engine cannot work here.
	Choose(wish string) (engine, model string, err error)
}
