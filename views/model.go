// Package views renders pages: templ pages and fragments over plain view models. It knows no handlers, no batches and no keys;
// internal/web fills in the models. All texts for people are in words/, one file for each language.
package views

import (
	"time"
)

// Shell is the frame of every page around its content.
type Shell struct {
	Nav      string // the current entry of the top bar: "batches", "keys" or ""
	Keys     Ready
	SignedIn bool // a password is required, so the page offers to sign out
	Checks   bool // rows can be edited on this page
	Sheet    bool // of them, the page of all rows
	Uploads  bool // pictures can be added on this page
	Naming   bool // pictures are named on this page
	Queue    bool // the queue of doubts: its own head, and no foot
	Bare     bool // no session yet: no navigation
	Skips    bool // long content before the main actions: a link skips to them

	Simulated bool // this is the demonstration
	Guest     bool // of the demonstration, and there is a real program to return to
}

// Ready is the number of keys that could read now. The zero value means that there are no keys.
type Ready struct {
	Now   int
	Total int // below 0: unknown on this page, and not shown
}

// Reader is the engine that reads, and the reason for it.
type Reader struct {
	Engine  string // "gemini", "tesseract", or "" if nothing can read here
	Model   string // "" for engines without models
	Keys    Ready
	Chosen  bool   // a person chose this engine; otherwise it follows from the keys
	Problem string // why nothing can read, a sentence
	Neural  string // "reads" offline, "broken" so that Tesseract reads, or "" for Tesseract alone
}

// Progress is the progress of a batch.
type Progress struct {
	Status     string // status of the batch
	Total      int
	Pending    int
	Processing int
	Retrying   int
	Completed  int
	Failed     int
	Canceled   int
	Rows       int
	Issues     int
	Calls      int
	Tokens     int
	USD        float64
	Unpriced   int           // calls with an unknown price
	Called     int           // images with a call; 0 in batches of older programs
	Compared   int           // of Completed, with a second reading; -1: none is
	FromCache  int           // completed images whose rows come from another reading, at no cost
	PerMinute  float64       // 0 if unknown
	Left       time.Duration // 0 if unknown or over
	AtOnce     int
	Took       time.Duration // from start to end; 0 while running
	Pause      string        // while paused: "user", "keys" or "disk"
	Rests      string        // while paused for keys: the error class of the cooldown
	Back       time.Time     // while paused for keys: time of the next attempt; zero: when a person acts
}

// Final reports whether the batch has ended.
func (p Progress) Final() bool {
	return p.Status == "completed" || p.Status == "failed" || p.Status == "canceled"
}

// Uncompared returns the number of images that are yet to be compared with a second reading, which may find more doubts.
func (p Progress) Uncompared() int {
	if p.Compared < 0 {
		return 0
	}
	return p.Completed - p.Compared
}

// Done returns the number of final images.
func (p Progress) Done() int { return p.Completed + p.Failed + p.Canceled }

// Recent is one batch in the list of the start page.
type Recent struct {
	URL      string
	Name     string
	Draft    bool
	Progress Progress
	Created  time.Time
	Kept     Kept
}

// Shot is a picture of a draft.
type Shot struct {
	N        int // N of the image, used in forms
	Place    int // position from 1, shown
	Name     string
	Apart    string // unique name, if an earlier picture has the same name; otherwise ""
	Filename string
	Plain    string   // the default name
	Folder   string   // folder of the file, or ""
	Date     string   // date of the file, or ""
	Before   int      // N of the image before it after a move to the front by one; 0: it is then first
	After    int      // N of the image after it after a move to the end by one; 0: it is then last, below 0: it is last already
	Thumb    string   // address
	Picture  string   // address
	Notes    []string // hints shown before it is read
	Turn     int      // quarter turns clockwise that make it upright: 1 to 3; 0 if upright or unknown
}

// Uploader is the drop zone with the pictures uploaded so far.
type Uploader struct {
	Batch     string // address of the draft, "" before it exists
	Images    []Shot
	Next      int // position of the next picture
	MaxImages int
	MaxBytes  int64 // limit for one picture
	MaxPacked int64 // limit for a PDF or ZIP
}

// Start is the start page.
type Start struct {
	Demo bool // the demonstration is offered
	Shell
	Uploader Uploader
	Reader   Reader
	Recent   []Recent
	More     int // number of batches not listed
	Deleted  []Deleted
	Now      time.Time
}

// Pictures is step one of a draft.
type Pictures struct {
	Shell
	URL      string
	Name     string
	Uploader Uploader
	Reader   Reader
}

// Former is the previous name of an image.
type Former struct {
	N    int
	Name string
}

// Names is step two of a draft.
type Names struct {
	Shell
	URL     string
	Name    string // of the batch
	Images  []Shot
	Out     []Shot // excluded images
	Show    string // "look": only those with notes, "out": only the excluded ones; otherwise all
	List    bool   // one picture per line
	Pattern string // values of the fields that name all pictures
	From    string
	Find    string
	With    string
	Column  string
	Undo    []Former // names before the last change
	Said    string   // result of the last action, a sentence for screen readers
	Problem string   // why the names were not saved, a sentence
}

// Column is a row of the column editor, as typed.
type Column struct {
	Name        string
	Type        string
	Description string
	Choices     string // separated by commas
	Dates       string // "", "day" or "month"
	Decimal     string // "", "comma" or "point"
	Pattern     string // a regular expression
	Example     string
	Required    bool
	Unique      bool
	Bad         bool // Problem refers to this column
	Focus       bool // just added
}

// Columns is step three of a draft, with the typed values.
type Columns struct {
	Shell
	URL       string
	Images    int
	Noted     int      // images with a note that should be seen before money is spent
	Choice    string   // the selected choice
	Choices   []string // "inventory", "receipt", "any" and "own"
	Single    bool     // one row for each picture
	Columns   []Column // of the choice; none for "any"
	Dates     string   // "", "day", "month", or "each" if they differ: the order of 03/04/2026 in date columns
	Decimal   string   // "", "comma", "point", or "each" if they differ: the decimal mark of 1,250 in number columns
	Engine    string
	Engines   []string // available engines, "" for automatic; none if there is no choice
	Models    []Offer  // available models; none without keys
	Model     string   // selected model and thinking level, separated by a space
	AtOnce    string
	Retries   string
	Offline   string // "off", "ask" or "always": batch.Fallback
	Witness   string // "off" or "offline": batch.Witness
	Reuses    bool   // readings of the same pictures are used again,
	Fresh     bool   // unless this batch excludes that
	Reader    Reader
	Estimate  *Estimate // nil: nothing can read
	Example   Shot
	At        string   // start time as typed: 2006-01-02T15:04
	Later     bool     // a start at that time was refused
	Problem   string   // why the input is invalid, a sentence
	Batch     string   // the batch's id
	Shots     []Shot   // pictures that can be previewed
	Preview   *Preview // result of the preview, or nil
	Saved     []Saved
	SavedOpen bool   // the last action was about templates
	Said      string // result of the last action, a sentence
	Undo      string // deleted template as a file, to undo; "" for none
}

// Saved is a template: saved columns.
type Saved struct {
	ID      string
	Name    string
	Columns int
}

// Preview is the result of one picture with the current columns.
type Preview struct {
	N      int
	Image  Image // with its rows, headings and issues
	Engine string
	Model  string
	Tokens int
	USD    float64
	Took   time.Duration

	Unpriced  int  // 1 if its price is unknown
	FromCache bool // served from an earlier reading
}

// Try is one attempt at an image.
type Try struct {
	Status string // colour of its tick: "completed", "retrying", "failed", "processing"
	Text   string // its outcome, a sentence
	Key    string // label of the key, or ""
	Engine string
	Model  string
	Asked  string // the model that was asked, if different from Model; otherwise ""
	Took   time.Duration
}

// Row is one image of a started batch.
type Row struct {
	URL        string // of the image's page
	Batch      string // address of the batch
	N          int
	Place      int
	Name       string
	Filename   string
	Thumb      string
	Status     string
	Priority   string // relative to the other images of its batch: "high", "normal" or "low"
	Tries      []Try
	Note       string    // why it failed or is retried, a sentence
	Key        string    // label of the last key used
	Engine     string    // the last engine used
	Again      time.Time // when the next attempt is due; zero: at once
	CachedFrom time.Time // time of the reading for another batch that its rows come from, at no cost; otherwise zero
	Took       time.Duration
	Rows       int
	Issues     int
	Offline    bool // it failed, and the offline engine may read it instead
	Flash      bool // it has just changed
	Idle       bool // its batch is not started, so there is nothing to cancel
}

// Live is the page of a started batch.
type Live struct {
	Shell
	URL      string
	Name     string
	Progress Progress
	Engine   string
	Model    string
	Columns  string // columns of the batch: "inventory", "receipt", "any" or "own"
	Rows     []Row
	Controls Controls
	Kept     Kept
	Estimate *Estimate // before the start; nil: none was known
	Slow     time.Time // end of the reduced concurrency after a crash on a picture (half as many at once); zero if not active
}

// Controls is the data of the batch controls.
type Controls struct {
	Priority string    // "high", "normal" or "low"
	Keep     string    // retention after the end: "default", "forever" or a duration such as "168h"
	Forever  bool      // never erased automatically
	Until    time.Time // when it is erased; zero: some time after its end
	StartAt  time.Time // while it is scheduled
	Engines  []string  // engines for a retry, "" for the batch's own
	Offline  bool      // images that no key can read may be read offline on request
	Model    string    // of the batch; "" for engines without models
	Keys     Ready     // keys that can read now
	Models   []Offer   // models to choose from
}

// Deleted is a batch that was just deleted and can be restored.
type Deleted struct {
	URL  string
	Name string
}

// Cell is one value of a row.
type Cell struct {
	Text   string
	State  string // "", "blank", "unreadable", "guessed", "edited", "accepted", "rule"
	Why    string // its issues, one per line; "" for none
	ID     string // id of its element
	Column int    // column index for edits, from 0; -1: not a cell, cannot be edited
	Box    string // position on the picture, in thousandths: "left top right bottom"; "" if unknown
	Seen   string // in a form: the text shown when the form was opened
}

// Line is one row of the rows read.
type Line struct {
	ID      int    // row ID for edits
	Key     string // id of its element
	N       int    // its position, from 1
	Sum     string // batch.Sum of its texts
	Box     string // as in Cell
	Cells   []Cell
	Image   string // on a page of several images: the name of the image
	URL     string // and its address
	Reading int
	Picture string // address, width and height of the picture, separated by spaces
	Unread  bool   // the image could not be read, and this stands for its rows
	Batch   string // address of the batch, if Unread
}

// Doubt is an issue in words.
type Doubt struct {
	Row     int    // from 1; 0: the whole image
	Column  string // "" for the whole row
	Message string
	Target  string // id of the cell, or ""
	RowID   int    // row ID for edits; 0: the image
	At      int    // column index, from 0; -1: the row
	Seen    string // the cell's text
	Settles string // of a row or an image: the message of the issue
}

// Edit is one edit in the history.
type Edit struct {
	Kind   string // "cell", "accept", "add", "delete", "move", "check", "uncheck" or "undo"
	Row    int    // its ID; 0: the image
	Column string // "" for the row
	Was    string
	Now    string
	By     string
	At     time.Time
	Undone bool
	Old    bool // made to an earlier reading
}

// EditConflict is an edit that was refused because somebody else changed the value first.
type EditConflict struct {
	Message string
	Cell    bool // it concerns a cell that still exists
	Row     int  // row ID
	Column  int
	Now     string
	By      string // "" unknown
	Mine    string
}

// Head is the heading of a column of the rows.
type Head struct {
	Name    string
	Numeric bool
}

// Image is the page of one image with its rows.
type Image struct {
	Shell
	Batch     string // address
	BatchName string
	Row       Row
	Picture   string // address
	Width     int
	Height    int
	Notes     []string
	Headings  []string // of a picture in a batch of any table that was not read: proposed for typing its rows; nil otherwise
	Total     int
	Previous  string // address or ""
	Next      string // address or ""
	Heads     []Head
	Lines     []Line
	Doubts    []Doubt
	Text      string
	Controls  Controls

	Reading       int    // generation of the rows shown; edits carry it
	Me            string // author name for the person's edits
	CanUndo       bool
	CheckedBy     string // the person that confirmed it; "" if not confirmed
	CheckedImages int    // confirmed images in the batch
	Outdated      int    // edits to an earlier reading that are not part of these rows
	History       []Edit // newest first
	Form          *Line  // the row in the edit form without JavaScript
	EditConflict  *EditConflict
	Problem       string // why the last edit was refused, a sentence
	Said          string // result of the last edit, a sentence
	Now           time.Time
}

// Problem is the content of an error page.
type Problem struct {
	Status    int
	Title     string
	Detail    string
	RequestID string
	Code      string // for programs: the kind of error
	Location  string // for programs: the part of the request that is at fault; "" for none
}

// SignIn is the login page.
type SignIn struct {
	Next    string // local address to open after the login
	Problem string // why the last login failed, a sentence
}
