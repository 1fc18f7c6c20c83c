package batch

import (
	"context"
	"io"
	"iter"
	"time"

	"sheetlift/internal/table"
)

// The contract of the ports that a store implements, here and in inventory.go and ledger.go, is tested by batchtest.Run. For
// all of them: errors are of package errs. An ID that NewID cannot return, or an image number below 1, is NotFound, for
// writes too. The key of a picture, a question and the id of a template are letters, digits, hyphens and underscores, at most
// 128; anything else is Invalid. Unavailable means that the store does not answer in time, or that ctx has ended; a call whose
// ctx had ended before does nothing.

// Repository stores batches and images. Reads return fresh values that the caller may change. Errors are NotFound, Conflict for
// a lost compare-and-swap or an existing key, Full when the disk is full, TooLarge for an image that exceeds the size limit.
type Repository interface {
	// CreateBatch stores a new batch durably and sets its Rev.
	CreateBatch(ctx context.Context, b *Batch) error
	// Batch returns one batch as stored.
	Batch(ctx context.Context, id ID) (*Batch, error)
	// SaveBatch writes b if the stored revision is still b.Rev, and sets the new one, which is higher.
	SaveBatch(ctx context.Context, b *Batch) error

	// CreateImage stores a new image durably and sets its Rev; Conflict if the batch has an image with that N already. The N of
	// a removed image is free again.
	CreateImage(ctx context.Context, m *Image) error
	// Image returns one image as stored.
	Image(ctx context.Context, id ID, n int) (*Image, error)
	// Images returns all stored images of a batch, ordered by N. It fails rather than hangs. The domain checks for missing
	// images against Batch.Order.
	Images(ctx context.Context, id ID) ([]*Image, error)
	// SaveImage writes m if the stored revision is still m.Rev, and sets the new one, which is higher.
	SaveImage(ctx context.Context, m *Image) error
	// RemoveImage removes m if the stored revision is still m.Rev. Watchers get a Change that is Gone. Repeating it
	// is not an error; an m that was never stored or loaded (Rev is 0) is a Conflict.
	RemoveImage(ctx context.Context, m *Image) error
	// RemoveBatch removes a batch and its images, and then its entries in the ReadingCache. Pictures and work must be dropped first,
	// through their own ports. Watchers get one Change, for the batch. Removing a batch that does not exist is not an error.
	RemoveBatch(ctx context.Context, id ID) error
}

// ImageSource lists the images of a batch as Repository.Images does: the repository, or a cache over it. Values that the images
// refer to (rows, attempts, columns) may be shared: read only.
type ImageSource interface {
	Images(ctx context.Context, id ID) ([]*Image, error)
}

// DraftIndex finds images of a draft in memory, at the same cost for any number of images. It may only be used in a process that
// alone changes the store: it learns of changes by others a moment later.
type DraftIndex interface {
	// Draft returns a view of the images of a draft, which follows the changes. An error means that they have to be loaded.
	Draft(ctx context.Context, id ID) (DraftView, error)
}

// DraftView is a view of the images of a draft.
type DraftView interface {
	// Upload returns the images that were made from an upload. Values that they refer to are shared: read only.
	Upload(upload string) []*Image
	// Used reports whether the draft has an image n.
	Used(n int) bool
	// NextPosition returns the position after all images, from 1.
	NextPosition() int
	// Alone reports whether NoteSimilar has nothing to note about m, because no other image is the same or looks like it.
	Alone(m *Image) bool
}

// Unit is one unit of work: image N of a batch. Generation is that of the image when it was queued; it is the fencing token.
type Unit struct {
	Batch      ID
	N          int
	Generation int
}

// Queue stores units of work durably, each at most once, and delivers every unit to one worker at a time.
type Queue interface {
	// Add queues units, in order. A unit that is already queued or in flight is not added again, so Add may be repeated. A
	// value that cannot be a unit is Invalid, and then none is added.
	Add(ctx context.Context, units []Unit) error
	// Open returns the consumer of one batch, with at most atOnce units (at least one) in flight on all machines. Opening a consumer again changes its
	// limit.
	Open(ctx context.Context, id ID, atOnce int) (Consumer, error)
	// Drop removes all units of a batch and its consumer. Repeating it is not an error, nor is finishing a unit that was in flight.
	Drop(ctx context.Context, id ID) error
}

// Consumer fetches the units of one batch. Next must not be called concurrently.
type Consumer interface {
	// Next waits for a unit that may be processed now, until ctx ends: the error is then that of ctx, and no unit is lost.
	// NotFound after the consumer was dropped, Unavailable after Close.
	Next(ctx context.Context) (Delivery, error)
	// Close stops fetching; units that were fetched but not yet returned by Next are redelivered at once.
	Close()
}

// Delivery is one delivery of a unit. It is redelivered to another worker unless it is kept alive within 30 s, acknowledged or rejected.
type Delivery interface {
	Unit() Unit
	// KeepAlive is the heartbeat: the unit is still being processed.
	KeepAlive(ctx context.Context) error
	// Ack acknowledges the unit: it is removed, durably on return. Repeating it is not an error. The same unit may be
	// added again.
	Ack(ctx context.Context) error
	// Nack rejects the unit: it is redelivered after d. Until then it counts as in flight.
	Nack(ctx context.Context, d time.Duration) error
}

// Reading is the result of reading a picture, without the edits that people made later.
type Reading struct {
	Read    time.Time     `json:"read"` // when it was read
	Engine  string        `json:"engine"`
	Model   string        `json:"model,omitempty"`   // the model that answered
	Columns []string      `json:"columns,omitempty"` // header of an open table
	Rows    []table.Row   `json:"rows,omitempty"`
	Issues  []table.Issue `json:"issues,omitempty"` // issues found by the engine; rules are checked again on use
	Text    string        `json:"text,omitempty"`

	Batch ID  `json:"-"` // the image that it was made for
	N     int `json:"-"`
}

// ReadingCache is the cache of readings, keyed by question (picture, columns and engine settings), so that the same question is
// never paid for twice. A reading belongs to the batch that it was made for and is removed with it.
type ReadingCache interface {
	// PutReading stores r as the only answer to the question, a digest in hex, and replaces an earlier one. TooLarge if it
	// exceeds the size limit.
	PutReading(ctx context.Context, question string, r *Reading) error
	// GetReading returns the answer to the question, or NotFound.
	GetReading(ctx context.Context, question string) (*Reading, error)
	// PurgeReadings removes the readings made for a batch. Repeating it is not an error.
	PurgeReadings(ctx context.Context, id ID) error
}

// Pictures stores prepared pictures, by batch and Picture.Key, for the lifetime of the batch.
type Pictures interface {
	// PutPicture stores data durably; putting the same key again replaces it.
	PutPicture(ctx context.Context, id ID, key string, kind Kind, data []byte) error
	// GetPicture returns the whole picture, or NotFound.
	GetPicture(ctx context.Context, id ID, key string, kind Kind) ([]byte, error)
	// DropPicture removes all forms of one picture; the empty key means all of the batch. Repeating it is not an
	// error.
	DropPicture(ctx context.Context, id ID, key string) error
}

// Change is one change, with the state that is now in the store. Exactly one of Batch and Image is set unless Gone.
type Change struct {
	ID    ID
	N     int    // image, or 0 for the batch itself
	Batch *Batch // shared: read only
	Image *Image // shared: read only
	Gone  bool   // the batch or image was removed
}

// Changes reports every change made by any process, in store order. There is one watch for the whole process.
type Changes interface {
	// Subscribe calls f for each change, from one goroutine; f must return at once and must not call back. Existing batches are
	// reported first, before Subscribe returns. The returned function ends the subscription and waits until f no longer runs.
	// Of several revisions of one document that follow each other, older ones may be left out.
	Subscribe(ctx context.Context, f func(Change)) (cancel func(), err error)
	// CatchUp waits until all subscribers received every image that this process stored before the call. Unavailable when that
	// takes more than a second, which also happens when such a change was erased before it was reported. Without a subscriber
	// it returns at once.
	CatchUp(ctx context.Context) error
}

// Prepared is a picture ready for the engine, with its thumbnail.
type Prepared struct {
	Data   []byte // JPEG or PNG: upright, bounded, free of metadata
	MIME   string
	Width  int
	Height int
	Thumb  []byte // JPEG, at most 256 pixels a side
	Source string // SHA-256 of the picture as sent, hex: of the file, of the file in an archive, or of file and page
	PHash  string // a perceptual hash, hex; see NoteSimilar
	Notes  []Note
}

// Part is one picture extracted from a file.
type Part struct {
	N        int       // number of the part within the file, from 1; stable across repeated reads
	Single   bool      // the file is a single picture
	Page     int       // page of the document Filename, from 1; 0 for a picture
	Filename string    // of the file, or inside its archive
	Picture  *Prepared // nil if it was rejected
	Refused  error     // errs.Invalid or errs.TooLarge: the message names the file, the reason and the remedy
}

// Intake turns uploaded files into prepared pictures.
type Intake interface {
	// Prepare reads a file once and yields its parts in order, each as soon as it is ready, except those for which have returns
	// true. A rejected part does not stop the others. An error ends the sequence: errs.Invalid or errs.TooLarge for a file that
	// cannot be used at all, or no further; any other error is not caused by the file.
	Prepare(ctx context.Context, filename string, r io.Reader, have func(part int) bool) iter.Seq2[Part, error]
	// Rotate turns a prepared picture clockwise by quarter turns, 1 to 3, and makes a new thumbnail. The result has no Source
	// and no Notes.
	Rotate(ctx context.Context, data []byte, quarters int) (*Prepared, error)
}

// OrientationDetector detects the orientation of a picture. It is called for one picture at a time.
type OrientationDetector interface {
	// Detect returns the quarter turns, clockwise, that make a prepared picture upright: 1 to 3, or 0 if it is upright or its
	// orientation is unclear. An error, caused by the machine or the picture, means the same as 0.
	Detect(ctx context.Context, picture []byte) (quarters int, err error)
}

// Templates stores saved columns. Errors are those of Repository.
type Templates interface {
	// Templates returns all templates, in no order.
	Templates(ctx context.Context) ([]*Template, error)
	// SaveTemplate stores t durably under its ID; the last one wins.
	SaveTemplate(ctx context.Context, t *Template) error
	// RemoveTemplate removes a template; removing one that does not exist is not an error.
	RemoveTemplate(ctx context.Context, id string) error
}

// Previewer reads one picture at once, outside the queue, while a person waits. A paid preview is cached for a while: the same
// picture with the same question is not read again, neither here nor when the batch is started.
type Previewer interface {
	// Preview reads m with the columns t by the engine and model that Readers chose. An error carries a sentence for the person
	// with the remedy.
	Preview(ctx context.Context, m *Image, t table.Table, with ReadAs) (*Preview, error)
}

// Preview is the result of reading one picture for a preview.
type Preview struct {
	Columns   []string // header of an open table
	Rows      []table.Row
	Issues    []table.Issue
	Engine    string
	Model     string
	Key       string // label
	Tokens    int
	USD       float64
	Priced    bool // USD is the full cost
	Took      time.Duration
	FromCache bool // served from an earlier reading, at no cost
}

// Readers chooses the engine that reads.
type Readers interface {
	// Choose returns the engine and model for a requested engine ("", "auto", "gemini", "tesseract"), or Invalid with the
	// remedy if that engine cannot work here.
	Choose(wish string) (engine, model string, err error)
}

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

// Template is a set of columns that a person saved for reuse.
type Template struct {
	ID    string      `json:"id"`   // made by NewID
	Name  string      `json:"name"` // 1 to 200 characters, unique ignoring case
	Table table.Table `json:"table"`
	Saved time.Time   `json:"saved"`
}

// MaxTemplates is how many templates are kept, so that the list stays readable.
const MaxTemplates = 200
