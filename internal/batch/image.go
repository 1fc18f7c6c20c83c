package batch

import (
	"encoding/json"
	"slices"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

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
	Typed   *Typed `json:"typed,omitempty"`   // set while its rows were typed by a person instead of read

	Rev uint64 `json:"-"` // store revision, for compare-and-swap

	cache *evidenceCache // only set in the ImageCache
}

// Typed tells which person typed the rows of an image that could not be read, and since when.
type Typed struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// MaxAttempts is how many attempts an image keeps: enough to explain a day of outages, small enough for one document.
const MaxAttempts = 50

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

// WhyCanceled marks an attempt that was aborted by a person; it does not count as a failure.
const WhyCanceled = "canceled"

// End makes m final with a status other than Completed, and a reason. An image that was being read again becomes Completed all
// the same, with its former rows.
func (m *Image) End(status Status, failure string, now time.Time) {
	if m.Rereading {
		status, failure = Completed, ""
	}
	m.Status, m.Failure, m.Ended, m.NotBefore, m.Rereading, m.Lease = status, failure, now, time.Time{}, false, Lease{}
}

// Witness says whether a second, independent reading checks the rows of a batch: every cell in which both differ becomes a
// doubt. The second reading comes after the first, at the lowest priority; nothing waits for it.
type Witness string

// The witnesses. The zero value counts as WitnessOff: batches of older programs are not compared.
const (
	WitnessOff     Witness = "off"
	WitnessOffline Witness = "offline" // the offline engine
)

// offlineEngine is the name of the offline engine in attempts.
const offlineEngine = "tesseract"

// Check returns an error for a witness that does not exist.
func (w Witness) Check() error {
	if !slices.Contains([]Witness{"", WitnessOff, WitnessOffline}, w) {
		return errs.At("witness", errs.New(errs.Invalid, "The second reading is %q; choose off or offline.", w))
	}
	return nil
}

// Comparison is the result of comparing the rows of an image with a second reading.
type Comparison struct {
	Of       time.Time `json:"of"`                 // Image.Ended of the rows that were compared
	Agreed   int       `json:"agreed,omitempty"`   // cells with the same text in both
	Disputed int       `json:"disputed,omitempty"` // cells that became a doubt
	Lost     int       `json:"lost,omitempty"`     // lines of the second reading that belong to no row
	Failed   bool      `json:"failed,omitempty"`   // the second reader could not read the picture
}

// Compared reports whether the rows of m were compared with a second reading.
func (m *Image) Compared() bool {
	return m.Status == Completed && m.Witness != nil && m.Witness.Of.Equal(m.Ended)
}

// Awaits reports whether the rows of m, an image of b, are yet to be compared. Rows that the offline engine read are not, nor
// rows that a person typed, and sheets that are one record: their fields stand in no order.
func (b *Batch) Awaits(m *Image) bool {
	return b.Options.Witness == WitnessOffline && b.Deleted.IsZero() && !b.Table.Single && m.Status == Completed && !m.Compared() && !m.needsNoWitness()
}

// needsNoWitness reports whether the rows of m are not for a second reading.
func (m *Image) needsNoWitness() bool { return m.Typed != nil || m.readOffline() }

// readOffline reports whether the rows of m come from the offline engine.
func (m *Image) readOffline() bool {
	if m.CachedFrom != nil {
		return m.CachedFrom.Engine == offlineEngine
	}
	last := m.Last()
	return last != nil && last.Engine == offlineEngine
}
