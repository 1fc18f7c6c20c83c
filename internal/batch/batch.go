// Package batch is the domain: batches of images, the life cycle of each, and the use cases over them. It imports no framework
// and no engine; everything outside is reached through the ports in ports.go.
package batch

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
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

// TimeLimit is how long after its start a batch waits for causes outside its images (keys, outages).
const TimeLimit = 24 * time.Hour

// Image is one picture in a batch with its status, its attempts and its rows. It is one document in the store: "completed with
// these rows" is one compare-and-swap.
type Image struct {
	Batch          ID        `json:"batch"`
	N              int       `json:"n"`                  // its key in the batch, from 1. Draft removals leave gaps
	Upload         string    `json:"upload"`             // the client's own id of the upload: a second upload with it is the same image
	Part           int       `json:"part,omitempty"`     // part of the upload, from 1: one file may hold several images
	Page           int       `json:"page,omitempty"`     // page of the document Filename, from 1; 0 for a picture
	Sent           string    `json:"sent,omitempty"`     // SHA-256 of the whole upload, hex; "" for images stored before this field existed
	UploadComplete bool      `json:"whole,omitempty"`    // on an upload's first image: all its parts are in the batch
	Position       int       `json:"position"`           // position that the upload asked for, from 1
	Priority       Priority  `json:"priority,omitempty"` // relative to the other images of its batch
	Name           string    `json:"name"`
	Filename       string    `json:"filename"`         // base name as sent, or inside its archive; shown, never used as a path
	Folder         string    `json:"folder,omitempty"` // folder of the file as sent, with / between; shown, never used as a path
	TakenAt        time.Time `json:"dated,omitzero"`   // file time as sent, with the client's UTC offset; zero if not sent
	Excluded       bool      `json:"out,omitempty"`    // of a draft: excluded, until Start removes it or a person includes it again
	Status         Status    `json:"status"`
	Picture        Picture   `json:"picture"`

	Generation  int           `json:"work"`              // fencing token: the number of its valid unit of work; units with a lower one are dropped
	Lease       Lease         `json:"turn,omitzero"`     // while it is in flight: see Lease
	Tries       int           `json:"tries"`             // attempts begun in all
	Faults      int           `json:"faults"`            // attempts since the last manual retry that count against MaxRetries
	Crashes     int           `json:"crashes,omitempty"` // written by older programs: attempts that never ended. Not used any more
	Suspect     *Suspect      `json:"suspect,omitempty"` // the program died while this image was open, and it was not read since
	ReadAs                    // engine and model that read it instead of the batch's
	Rereading   bool          `json:"again,omitempty"`     // it is being read again on request; the old rows stand until then
	Round       int           `json:"round,omitempty"`     // how often a person had it read again after it was completed
	DuplicateOf int           `json:"twin,omitempty"`      // N of the image of the same picture that its rows were copied from; 0 if it was read itself
	CachedFrom  *CachedFrom   `json:"earlier,omitempty"`   // the reading for another batch that its rows were copied from, or nil
	NotBefore   time.Time     `json:"not_before,omitzero"` // while Retrying: when the next attempt is due
	Attempts    []Attempt     `json:"attempts,omitempty"`  // the newest MaxAttempts, oldest first
	Failure     string        `json:"failure,omitempty"`   // while Failed: the reason, a sentence for the clerk
	Added       time.Time     `json:"added"`               // when the upload was acknowledged
	Ended       time.Time     `json:"ended,omitzero"`      // when it last became final
	Columns     []string      `json:"columns,omitempty"`   // header of an open table
	Rows        []table.Row   `json:"rows,omitempty"`      // cells in the order of the batch's columns, or of Columns
	Checks      int           `json:"checks,omitempty"`    // the table.Checks under which Issues were found; 0 of older programs
	Issues      []table.Issue `json:"issues,omitempty"`
	Text        string        `json:"text,omitempty"`    // the text that was read
	Witness     *Comparison   `json:"witness,omitempty"` // the newest comparison with a second reading, or nil

	Edits   []Edit `json:"edits,omitempty"`   // changes made by people, oldest first; those to earlier readings too
	Checked *Check `json:"checked,omitempty"` // see IsChecked

	Rev uint64 `json:"-"` // store revision, for compare-and-swap

	cache *evidenceCache // only set in the ImageCache
}

// MaxAttempts is how many attempts an image keeps: enough to explain a day of outages, small enough for one document.
const MaxAttempts = 50

// Picture describes the prepared picture of an image; its bytes are stored in Pictures under Key.
type Picture struct {
	Key    string `json:"key"`    // unique in the batch
	Digest string `json:"digest"` // SHA-256 of the prepared bytes, hex: checked on every load
	Source string `json:"source"` // SHA-256 of the file as sent, hex: detects the same file sent twice
	MIME   string `json:"mime"`
	Width  int    `json:"w"`
	Height int    `json:"h"`
	Bytes  int    `json:"bytes"`
	PHash  string `json:"look,omitempty"` // perceptual hash, hex, to find similar pictures; "" if not computed
	Notes  []Note `json:"notes,omitempty"`
}

// Note is a hint about a picture, shown before any money is spent on it.
type Note struct {
	Kind         string `json:"k"` // a stable identifier, such as "pages" or "small"
	Message      string `json:"m"`
	QuarterTurns int    `json:"turn,omitempty"` // NoteTurned only: quarter turns clockwise that make it upright, 1 to 3
}

// Attempt is one attempt to read an image.
type Attempt struct {
	N       int       `json:"n"` // 1 for the first
	Engine  string    `json:"engine"`
	Model   string    `json:"model,omitempty"` // the model that answered; the model that was asked if there is no answer
	Asked   string    `json:"asked,omitempty"` // the model that was asked, if a different one answered
	Key     string    `json:"key,omitempty"`   // label of the key, never the key itself
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"` // zero: running, or interrupted by a crash
	Why     string    `json:"why,omitempty"`  // "" for success, otherwise an engine.Why
	Class   string    `json:"class,omitempty"`
	Message string    `json:"message,omitempty"`
	Prompt  int       `json:"prompt,omitempty"` // tokens
	Output  int       `json:"output,omitempty"` // tokens
	USD     float64   `json:"usd,omitempty"`
	Priced  bool      `json:"priced"` // USD is the full cost, even if 0
}

// Unpriced reports whether a was billed, in whole or in part, at an unknown price.
func (a Attempt) Unpriced() bool { return !a.Priced && a.Prompt+a.Output > 0 }

// UnmarshalJSON reads an attempt. Before Priced was always written, the field was there only if true; for those, the cost
// counts as known when it is more than 0.
func (a *Attempt) UnmarshalJSON(data []byte) error {
	type plain Attempt
	p := struct {
		*plain
		Priced *bool `json:"priced"`
	}{plain: (*plain)(a)}
	*a = Attempt{}
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	a.Priced = a.USD > 0
	if p.Priced != nil {
		a.Priced = *p.Priced
	}
	return nil
}

// CachedFrom describes the reading for another batch that rows were copied from.
type CachedFrom struct {
	Read   time.Time `json:"read"` // when it was read
	Engine string    `json:"engine"`
	Model  string    `json:"model,omitempty"` // the model that answered
}

// FromCache reports whether m was completed with an earlier reading of the same picture, at no cost.
func (m *Image) FromCache() bool {
	return m.Status == Completed && (m.DuplicateOf > 0 || m.CachedFrom != nil)
}

// Last returns the newest attempt, or nil if there is none.
func (m *Image) Last() *Attempt {
	if len(m.Attempts) == 0 {
		return nil
	}
	return &m.Attempts[len(m.Attempts)-1]
}

// Working returns the time spent inside attempts, without the time in the queue.
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
