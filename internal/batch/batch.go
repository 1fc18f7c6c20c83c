// Package batch is the domain: batches of images, the life of each, and what people may do with them. It knows no
// framework and no engine; what it needs of the world it asks for through the ports in ports.go.
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

// IDOf returns the ID that these bits make; who gives them sees to it that nobody else does.
func IDOf(bits [16]byte) ID { return ID(idAlphabet.EncodeToString(bits[:])) }

// Valid reports whether id has the form that NewID gives.
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
	ID       ID          `json:"id"`
	Name     string      `json:"name"` // shown; 1 to 200 characters
	Status   Status      `json:"status"`
	Pause    PauseReason `json:"pause,omitempty"`    // why, while Status is Paused
	Rest     *Rest       `json:"rest,omitempty"`     // while it is paused for its keys
	Priority Priority    `json:"priority,omitempty"` // against other batches
	StartAt  time.Time   `json:"start_at,omitzero"`  // while Status is Scheduled: when it starts by itself
	Table    table.Table `json:"table"`
	Engine   string      `json:"engine,omitempty"` // "" until Start unless a person chose: then the engine that reads
	Model    string      `json:"model,omitempty"`  // fixed at Start for engines with models
	Options  Options     `json:"options"`
	Order    []int       `json:"order,omitempty"`    // the images by N, frozen at Start; every load is checked against it
	Arranged []int       `json:"arranged,omitempty"` // of a draft: the images by N as people arranged them; what is missing stands behind
	Twins    map[int]int `json:"twins,omitempty"`    // images that are the same picture as an earlier one: which; frozen at Start
	Reopen   []Reopening `json:"reopen,omitempty"`   // retries asked for and not yet carried out
	Cancel   bool        `json:"cancel,omitempty"`   // a person wants it ended: its images are canceled, then it is
	Counts   *Counts     `json:"counts,omitempty"`   // written when the batch ends; while it runs see Board
	Created  time.Time   `json:"created"`
	Started  time.Time   `json:"started,omitzero"`
	Ended    time.Time   `json:"ended,omitzero"`
	Until    time.Time   `json:"until,omitzero"`   // the deadline, moved on by a retry
	Deleted  time.Time   `json:"deleted,omitzero"` // when a person deleted it: hidden at once, erased after UndoFor

	Rev uint64 `json:"-"` // the store's revision, for compare-and-swap
}

// Reads reports whether the images of b are to be read now: it was started, and nobody holds it back or has ended it.
func (b *Batch) Reads() bool {
	return (b.Status == Processing || b.Status == Pending) && !b.Over()
}

// Over reports whether b has ended or is to end: nothing that is being read for it is wanted any more.
func (b *Batch) Over() bool { return b.Status.Final() || b.Cancel || !b.Deleted.IsZero() }

// With is in which way m of this batch is read: by which engine and model.
func (b *Batch) With(m *Image) With {
	with := m.With
	if with.Engine == "" || with.Engine == b.Engine {
		with.Engine, with.Model = b.Engine, cmp.Or(with.Model, b.Model)
	}
	with.Fresh = with.Fresh || b.Options.Fresh
	return with
}

// Total is the number of images, frozen at Start; 0 for a draft.
func (b *Batch) Total() int { return len(b.Order) }

// Reopening is the intent to read a failed image again, written before it is carried out so that a crash in between
// loses no retry and makes none twice.
type Reopening struct {
	N    int `json:"n"`
	Work int `json:"work"` // the image's Work when it was asked for

	With
}

// With is the way in which an image is read again. The zero value is the batch's own way.
type With struct {
	Engine string `json:"engine,omitempty"` // that reads it instead of the batch's
	Model  string `json:"model,omitempty"`  // that reads it instead of the batch's, for engines with models
	Fresh  bool   `json:"fresh,omitempty"`  // what was read of it or of the same picture before does not count
}

// Options steer how a batch is read.
type Options struct {
	AtOnce     int           `json:"at_once"`     // images in hand at once, on all machines: 1 to 64
	MaxRetries int           `json:"max_retries"` // further tries after one that was the image's fault: 0 to 20
	RetryDelay time.Duration `json:"retry_delay"` // before the first such try, doubling, full jitter: 0 to 10 min
	Fallback   Fallback      `json:"fallback,omitempty"`
	Fresh      bool          `json:"fresh,omitempty"` // what was read of the same pictures for other batches does not count
	Keep       time.Duration `json:"keep,omitempty"`  // after its end until it is erased: an hour to ten years; 0 the program's own, below 0 for ever
}

// Fallback says what becomes of an image that the batch's engine refuses, cannot read or has no key for: whether the
// offline engine reads it instead.
type Fallback string

// The ways. The zero value counts as FallbackAsk.
const (
	FallbackOff    Fallback = "off"    // it stays failed, or waits for a key
	FallbackAsk    Fallback = "ask"    // the same, and a person may have it read offline
	FallbackAlways Fallback = "always" // it is read offline at once
)

// DefaultOptions are those of the first version: 5 at once, 3 retries, first after 2 s.
func DefaultOptions() Options {
	return Options{AtOnce: 5, MaxRetries: 3, RetryDelay: 2 * time.Second, Fallback: FallbackAsk}
}

// Deadline is how long after its start a batch waits for what is not its images' fault (keys, outages).
const Deadline = 24 * time.Hour

// Image is one picture in a batch with everything that happened to it and what was read. It is one document in the
// store: "completed with these rows" is one compare-and-swap.
type Image struct {
	Batch    ID        `json:"batch"`
	N        int       `json:"n"`                  // its key in the batch, from 1. Draft removals leave gaps
	Upload   string    `json:"upload"`             // the sender's own id of the upload: a second one with it is the same image
	Part     int       `json:"part,omitempty"`     // of the upload, from 1: several images may come out of one file
	Page     int       `json:"page,omitempty"`     // of the document Filename, from 1; 0 for a picture
	Whole    bool      `json:"whole,omitempty"`    // on an upload's first image: all its parts are in the batch
	Position int       `json:"position"`           // where the upload wanted to be, from 1
	Priority Priority  `json:"priority,omitempty"` // against the others of its batch
	Name     string    `json:"name"`
	Filename string    `json:"filename"`         // base name as sent, or in its archive; shown, never used as a path
	Folder   string    `json:"folder,omitempty"` // that the file was in, as sent, with / between; shown, never used as a path
	Dated    time.Time `json:"dated,omitzero"`   // of the file as sent, with the sender's offset; zero when nobody said
	Out      bool      `json:"out,omitempty"`    // of a draft: left out, until Start removes it or a person takes it back
	Status   Status    `json:"status"`
	Picture  Picture   `json:"picture"`

	Work      int           `json:"work"`              // number of its own valid unit of work; older units are dropped
	Turn      Turn          `json:"turn,omitzero"`     // while it is in hand: see Turn
	Tries     int           `json:"tries"`             // tries begun in all
	Faults    int           `json:"faults"`            // tries since the last person's retry that count against MaxRetries
	Crashes   int           `json:"crashes,omitempty"` // tries since the last person's retry that never ended
	With                    // engine and model that read it instead of the batch's
	Again     bool          `json:"again,omitempty"`     // read already, and a person wants it read afresh: its rows stand until then
	Twin      int           `json:"twin,omitempty"`      // the image of the same picture from which its rows were taken; 0: it was read itself
	Earlier   *Earlier      `json:"earlier,omitempty"`   // the reading for another batch that its rows were taken from; nil: there was none
	NotBefore time.Time     `json:"not_before,omitzero"` // while retrying: when the next try is due
	Attempts  []Attempt     `json:"attempts,omitempty"`  // the last MaxAttempts of them, oldest first
	Failure   string        `json:"failure,omitempty"`   // while failed: why, a sentence for the clerk
	Added     time.Time     `json:"added"`               // when it was acknowledged
	Ended     time.Time     `json:"ended,omitzero"`      // when it last became final
	Columns   []string      `json:"columns,omitempty"`   // header of an open table
	Rows      []table.Row   `json:"rows,omitempty"`      // cells in the order of the batch's columns, or of Columns
	Issues    []table.Issue `json:"issues,omitempty"`
	Text      string        `json:"text,omitempty"` // what was read, as text

	Edits   []Edit `json:"edits,omitempty"`   // what people changed, oldest first, of earlier readings too
	Checked *Check `json:"checked,omitempty"` // see IsChecked

	Rev uint64 `json:"-"` // the store's revision, for compare-and-swap
}

// MaxAttempts is how many attempts an image keeps: enough to explain a day of outages, small enough for one document.
const MaxAttempts = 50

// Picture describes the prepared picture of an image; its bytes are behind Pictures under Key.
type Picture struct {
	Key    string `json:"key"`    // unique in the batch
	Digest string `json:"digest"` // SHA-256 of the prepared bytes, hex: checked on every load
	Source string `json:"source"` // SHA-256 of the file as sent, hex: the same file twice shows
	MIME   string `json:"mime"`
	Width  int    `json:"w"`
	Height int    `json:"h"`
	Bytes  int    `json:"bytes"`
	Look   string `json:"look,omitempty"` // what it looks like, by which resembling ones are found; "" when nobody knows
	Notes  []Note `json:"notes,omitempty"`
}

// Note is something worth knowing about a picture before money is spent on it.
type Note struct {
	Kind    string `json:"k"` // a stable word, such as "pages" or "small"
	Message string `json:"m"`
	Turn    int    `json:"turn,omitempty"` // of NoteTurned: the quarters clockwise that would put it upright, 1 to 3
}

// Attempt is one try at reading an image.
type Attempt struct {
	N       int       `json:"n"` // 1 for the first
	Engine  string    `json:"engine"`
	Model   string    `json:"model,omitempty"`
	Key     string    `json:"key,omitempty"` // label, never the key
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"` // zero: running, or cut off by a crash
	Why     string    `json:"why,omitempty"`  // "" for a success, otherwise an engine.Why
	Class   string    `json:"class,omitempty"`
	Message string    `json:"message,omitempty"`
	Prompt  int       `json:"prompt,omitempty"` // tokens
	Output  int       `json:"output,omitempty"` // tokens
	USD     float64   `json:"usd,omitempty"`
}

// Earlier is where rows came from that were read for another batch.
type Earlier struct {
	Read   time.Time `json:"read"` // when
	Engine string    `json:"engine"`
	Model  string    `json:"model,omitempty"` // that answered
}

// Reused reports whether m was completed with what was read of the same picture elsewhere, at no cost.
func (m *Image) Reused() bool { return m.Status == Completed && (m.Twin > 0 || m.Earlier != nil) }

// Last returns the newest attempt, or nil before the first.
func (m *Image) Last() *Attempt {
	if len(m.Attempts) == 0 {
		return nil
	}
	return &m.Attempts[len(m.Attempts)-1]
}

// Working is the time spent in the attempts themselves, without waiting for a turn.
func (m *Image) Working(now time.Time) time.Duration {
	var d time.Duration
	for _, a := range m.Attempts {
		switch {
		case !a.Ended.IsZero():
			d += a.Ended.Sub(a.Started)
		case a.N == m.Tries && m.Status.Active():
			d += now.Sub(a.Started)
		}
	}
	return d
}
