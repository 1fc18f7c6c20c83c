package batch

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"

	"sheetlift/internal/table"
)

// ID names a batch: 128 random bits as 26 lower-case letters and digits, safe in addresses, keys and file names.
type ID string

var idAlphabet = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// NewID returns a fresh random ID.
func NewID() ID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return IDOf(b)
}

// IDOf returns the ID for the given bits. The caller guarantees that the bits are unique.
func IDOf(bits [16]byte) ID { return ID(idAlphabet.EncodeToString(bits[:])) }

// Valid reports whether id has the form of an ID made by NewID.
func (id ID) Valid() bool {
	if len(id) != 26 {
		return false
	}
	return strings.IndexFunc(string(id), func(r rune) bool {
		return !strings.ContainsRune("abcdefghijkmnpqrstuvwxyz23456789", r)
	}) < 0
}

// Batch is a set of images that are read together into one workbook.
type Batch struct {
	ID           ID            `json:"id"`
	Name         string        `json:"name"`            // shown; 1 to 200 characters
	Asked        string        `json:"asked,omitempty"` // digest of a create request that a program may repeat; "" for all others
	Status       Status        `json:"status"`
	Pause        PauseReason   `json:"pause,omitempty"`    // the reason, while Status is Paused
	Cooldown     *Cooldown     `json:"rest,omitempty"`     // while Status is Paused and Pause is PausedByKeys
	Priority     Priority      `json:"priority,omitempty"` // relative to other batches
	StartAt      time.Time     `json:"start_at,omitzero"`  // while Status is Scheduled: the time of the automatic start
	Table        table.Table   `json:"table"`
	Engine       string        `json:"engine,omitempty"`   // the engine that reads; "" before Start, unless a person chose one
	Model        string        `json:"model,omitempty"`    // fixed at Start for engines with models
	Thinking     string        `json:"thinking,omitempty"` // the model's thinking level; "" is the lowest that the model has
	Options      Options       `json:"options"`
	Order        []int         `json:"order,omitempty"`    // the images by N, frozen at Start; every load is checked against it
	Arranged     []int         `json:"arranged,omitempty"` // of a draft: N in the order that people arranged; missing images follow
	DuplicateOf  map[int]int   `json:"twins,omitempty"`    // N of an image → N of an earlier image of the same picture; frozen at Start
	RetryIntents []RetryIntent `json:"reopen,omitempty"`   // retries that were requested and not yet carried out
	Cancel       bool          `json:"cancel,omitempty"`   // a person canceled it: its images are canceled first, then the batch
	Counts       *Counts       `json:"counts,omitempty"`   // written when the batch ends; before that see Progress
	Estimate     *Estimate     `json:"estimate,omitempty"` // expected when a person started it, or nil
	Created      time.Time     `json:"created"`
	Started      time.Time     `json:"started,omitzero"`
	Ended        time.Time     `json:"ended,omitzero"`
	Until        time.Time     `json:"until,omitzero"`   // the time limit; a retry moves it
	Deleted      time.Time     `json:"deleted,omitzero"` // when a person deleted it: hidden at once, erased after UndoFor

	Rev uint64 `json:"-"` // store revision, for compare-and-swap
}

// Reads reports whether the images of b are to be read now: it was started, is not paused and has not ended.
func (b *Batch) Reads() bool {
	return (b.Status == Processing || b.Status == Pending) && !b.Over()
}

// Over reports whether b has ended, is being canceled or was deleted. Results of calls still in flight are not needed any more.
func (b *Batch) Over() bool { return b.Status.Final() || b.Cancel || !b.Deleted.IsZero() }

// ReadAsOf returns the engine, model and options that read image m of this batch: its own if set, otherwise the batch's.
func (b *Batch) ReadAsOf(m *Image) ReadAs {
	with := m.ReadAs
	if with.Engine == "" || with.Engine == b.Engine {
		with.Engine, with.Model = b.Engine, cmp.Or(with.Model, b.Model)
		if with.Model == b.Model { // another model may not have the level of this one
			with.Thinking = cmp.Or(with.Thinking, b.Thinking)
		}
	}
	with.Fresh = with.Fresh || b.Options.Fresh
	return with
}

// Total is the number of images, frozen at Start; 0 for a draft.
func (b *Batch) Total() int { return len(b.Order) }

// RetryIntent is the intent to retry an image. It is written to the batch before it is carried out, so that a crash in between
// neither loses the retry nor carries it out twice.
type RetryIntent struct {
	N          int `json:"n"`
	Generation int `json:"work"` // Image.Generation at the time of the request

	ReadAs
}

// ReadAs overrides how an image is read. The zero value means the settings of the batch.
type ReadAs struct {
	Engine   string `json:"engine,omitempty"`   // engine that reads it instead of the batch's
	Model    string `json:"model,omitempty"`    // model that reads it instead of the batch's, for engines with models
	Thinking string `json:"thinking,omitempty"` // thinking level of that model, instead of the batch's
	Fresh    bool   `json:"fresh,omitempty"`    // ignore earlier readings of it or of the same picture
}

// Options are the settings that control how a batch is read.
type Options struct {
	AtOnce     int           `json:"at_once"`     // images in flight at once, on all machines: 1 to 64
	MaxRetries int           `json:"max_retries"` // further attempts after one that failed because of the image: 0 to 20
	RetryDelay time.Duration `json:"retry_delay"` // before the first of these attempts; doubles, full jitter: 0 to 10 min
	Fallback   Fallback      `json:"fallback,omitempty"`
	Fresh      bool          `json:"fresh,omitempty"` // ignore readings of the same pictures for other batches
	Witness    Witness       `json:"witness,omitempty"`
	Keep       time.Duration `json:"keep,omitempty"` // from its end until it is erased: 1 hour to 10 years; 0 is the default, below 0 is for ever
}

// Fallback says whether the offline engine reads an image that the batch's engine refuses, cannot read or has no key for.
type Fallback string

// The fallbacks. The zero value counts as FallbackAsk.
const (
	FallbackOff    Fallback = "off"    // it stays failed, or waits for a key
	FallbackAsk    Fallback = "ask"    // the same, and a person may have it read offline
	FallbackAlways Fallback = "always" // it is read offline at once
)

// DefaultOptions returns the defaults of the first version: 5 at once, 3 retries, first after 2 s.
func DefaultOptions() Options {
	return Options{AtOnce: 5, MaxRetries: 3, RetryDelay: 2 * time.Second, Fallback: FallbackAsk}
}

// Estimate is the time and cost that a batch is expected to take, stored when it is started.
type Estimate struct {
	Images int           `json:"images"`          // to be read: of several images of the same picture one
	From   int           `json:"from"`            // the number of images read lately that it is based on; 0 if only the time is known, or nothing
	Took   time.Duration `json:"took"`            // from its start to its end; 0: unknown
	USD    float64       `json:"usd"`             // if Priced
	Priced bool          `json:"priced"`          // the price is known; it is 0 if nothing is paid for
	Busy   bool          `json:"busy,omitempty"`  // others were being read: it may take longer
	Model  string        `json:"model,omitempty"` // the model it is for
}

// UndoFor is how long a deleted batch can be restored.
const UndoFor = time.Minute

// TimeLimit is how long after its start a batch waits for causes outside its images (keys, outages).
const TimeLimit = 24 * time.Hour

// Cooldown is the cooldown of the keys of a batch: its reason and its end.
type Cooldown struct {
	Why   string    `json:"why"`            // an error class of the engine, such as "rpd"
	Until time.Time `json:"until,omitzero"` // zero: until a person acts
}

// Equal reports whether two cooldowns have the same reason and end. A time as it is stored lacks the reading of the monotonic
// clock that a fresh one has, so == does not do.
func (r Cooldown) Equal(other Cooldown) bool { return r.Why == other.Why && r.Until.Equal(other.Until) }

// InCooldown reports whether the batch is paused for this cooldown already.
func (b *Batch) InCooldown(r Cooldown) bool {
	return b.Status == Paused && b.Pause == PausedByKeys && b.Cooldown != nil && b.Cooldown.Equal(r)
}
