// Package views is what people see: templ pages and fragments over plain view models. It knows no handlers, no batches
// and no keys; internal/web fills the models in. Every word a person reads stands in words/, one file for each language.
package views

import (
	"net/url"
	"strconv"
	"time"
)

// Shell is what every page has around its content.
type Shell struct {
	Nav      string // the current entry of the top bar: "batches", "keys" or ""
	Keys     Ready
	SignedIn bool // a password is asked here, so there is a way to sign out
	Checks   bool // rows can be edited on this page
	Uploads  bool // pictures can be added on this page
	Naming   bool // pictures are named on this page
	Bare     bool // nobody is signed in yet: no navigation
	Skips    bool // there is much between the top and what comes next: a link leads there

	Simulated bool // this is the demonstration
	Guest     bool // and there is a real program to go back to
}

// Ready is how many keys could read at this moment. The zero value means that there are none at all.
type Ready struct {
	Now   int
	Total int // below 0: not known on this page, and not shown
}

// Reader is which engine reads, and why.
type Reader struct {
	Engine  string // "gemini", "tesseract", or "" when nothing can read here
	Model   string // "" for engines without models
	Keys    Ready
	Chosen  bool   // a person asked for this engine; otherwise it follows from the keys
	Problem string // why nothing can read, a sentence
}

// Progress is how far a batch is.
type Progress struct {
	Status     string // a status word of a batch
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
	Reused     int           // of those completed, whose rows come from another reading, at no cost
	PerMinute  float64       // 0 while unknown
	Left       time.Duration // 0 while unknown or over
	AtOnce     int
	Took       time.Duration // from start to end; 0 while it runs
	Pause      string        // while paused: "user", "keys" or "disk"
	Rests      string        // while paused for keys: the class of why they rest
	Back       time.Time     // while paused for keys: when one is tried again; zero: when a person does something
}

// Final reports whether the batch has ended.
func (p Progress) Final() bool {
	return p.Status == "completed" || p.Status == "failed" || p.Status == "canceled"
}

// Done is how many images are final.
func (p Progress) Done() int { return p.Completed + p.Failed + p.Canceled }

// Recent is one batch in the list of the start page.
type Recent struct {
	URL      string
	Name     string
	Draft    bool
	Progress Progress
	Created  time.Time
}

// Shot is a picture in a draft.
type Shot struct {
	N        int // names it in forms
	Place    int // from 1, shown
	Name     string
	Filename string
	Plain    string   // the name it has without a person's doing
	Folder   string   // that the file was in, or ""
	Date     string   // day of the file, or ""
	Before   int      // the image it stands behind after a step to the front: that one's N; 0 for the first
	After    int      // the image in front of which it stands after a step to the end: 0 for the end, below 0 for the last
	Thumb    string   // address
	Picture  string   // address
	Notes    []string // worth knowing before it is read
	Turn     int      // by how many quarters clockwise it must be turned to stand upright: 1 to 3; 0 when it stands, or nobody knows
}

// Uploader is the drop zone with the pictures that are there already.
type Uploader struct {
	Batch     string // address of the draft, "" before there is one
	Images    []Shot
	Next      int // the position of the next picture
	MaxImages int
	MaxBytes  int64 // of one picture
	MaxPacked int64 // of a PDF or ZIP
}

// Start is the first page.
type Start struct {
	Demo bool // the demonstration is offered
	Shell
	Uploader Uploader
	Reader   Reader
	Recent   []Recent
	More     int // batches that are not listed
	Deleted  []Deleted
	Now      time.Time
}

// Pictures is the first step of a draft.
type Pictures struct {
	Shell
	URL      string
	Name     string
	Uploader Uploader
	Reader   Reader
}

// Former is a name that an image had.
type Former struct {
	N    int
	Name string
}

// Names is the second step.
type Names struct {
	Shell
	URL     string
	Name    string // of the batch
	Images  []Shot
	Out     []Shot // left out
	Show    string // "look" shows those with notes, "out" those left out; all otherwise
	List    bool   // one to a line
	Pattern string // what the fields for all names hold
	From    string
	Find    string
	With    string
	Column  string
	Undo    []Former // names that were changed just now
	Said    string   // what was done to the pictures just now, a sentence for those who listen
	Problem string   // why the names could not be kept, a sentence
}

// Column is a row of the columns' editor, as typed.
type Column struct {
	Name        string
	Type        string
	Description string
	Choices     string // separated by commas
	Dates       string // "", "day" or "month"
	Pattern     string // a regular expression
	Example     string
	Required    bool
	Unique      bool
	Bad         bool // this one is named in Problem
	Focus       bool // just added
}

// Columns is the third step, with what was typed.
type Columns struct {
	Shell
	URL       string
	Images    int
	Noted     int      // of them carry a note that is worth a look before money is spent
	Choice    string   // which of the choices is set
	Choices   []string // "inventory", "receipt", "any" and "own"
	Single    bool     // one row for each picture
	Columns   []Column // of the choice; none for "any"
	Dates     string   // "", "day", "month", or "each" where they differ: what 03/04/2026 means in columns of dates
	Engine    string
	Engines   []string // that one may choose, "" for whichever is ready; none where there is no choice
	AtOnce    string
	Retries   string
	Offline   string // "off", "ask" or "always": what becomes of a picture that the engine gives up
	Reuses    bool   // pictures that were read before are not read again, unless
	Fresh     bool   // this batch wants them to be
	Reader    Reader
	Example   Shot
	At        string // when it is to start by itself, as typed: 2006-01-02T15:04
	Problem   string // what is wrong with it, a sentence
	Batch     string // the batch's id
	Shots     []Shot // pictures that one may be tried on
	Trial     *Trial // what one picture gave, or nil
	Saved     []Saved
	SavedOpen bool   // the last action was about saved columns
	Said      string // what came of the last action, a sentence
	Undo      string // saved columns that were deleted, as a file; "" for nothing to undo
}

// Saved is columns that were saved to be used again.
type Saved struct {
	ID      string
	Name    string
	Columns int
}

// Trial is what one picture gave with the columns as they are.
type Trial struct {
	N      int
	Image  Image // rows, heads and doubts of it
	Engine string
	Model  string
	Tokens int
	USD    float64
	Took   time.Duration
	Kept   bool // it had been read before
}

// Try is one attempt at an image.
type Try struct {
	Status string // colours its tick: "completed", "retrying", "failed", "processing"
	Text   string // what happened, a sentence
	Key    string // label of the key, or ""
	Engine string
	Model  string
	Took   time.Duration
}

// Row is one image of a batch that is read.
type Row struct {
	URL      string // of the image's page
	Batch    string // address of the batch
	N        int
	Place    int
	Name     string
	Filename string
	Thumb    string
	Status   string
	Priority string // against the others of its batch: "high", "normal" or "low"
	Tries    []Try
	Note     string    // why it failed or is tried again, a sentence
	Key      string    // label of the key that was used last
	Engine   string    // that was used last
	Again    time.Time // when the next try is due; zero: at once
	Earlier  time.Time // when its rows were read for another batch, at no cost now; zero: they were not
	Took     time.Duration
	Rows     int
	Issues   int
	Offline  bool // it failed, and may be read offline instead
	Flash    bool // it changed just now
	Idle     bool // its batch is not started, so there is nothing to cancel
}

// Live is a batch that is being read or has been.
type Live struct {
	Shell
	URL      string
	Name     string
	Progress Progress
	Engine   string
	Model    string
	Columns  string // the choice of columns: "inventory", "receipt", "any" or "own"
	Rows     []Row
	Steer    Steer
}

// Steer is how a batch is steered.
type Steer struct {
	Priority string    // "high", "normal" or "low"
	Keep     string    // how long it is kept after its end: "default", "forever" or a duration such as "168h"
	Forever  bool      // no time erases it
	Until    time.Time // when it is erased; zero: some time after its end
	StartAt  time.Time // while it is scheduled
	Engines  []string  // that can read an image again, "" for the batch's own
	Offline  bool      // what no key can read may be read offline, when a person says so
	Model    string    // of the batch; "" for engines without models
	Keys     Ready     // that can read now
}

// Deleted is a batch that was deleted just now and can be brought back.
type Deleted struct {
	URL  string
	Name string
}

// Cell is one value of a row.
type Cell struct {
	Text   string
	State  string // "", "blank", "unreadable", "guessed", "edited", "accepted", "rule"
	Why    string // its doubts, a line each; "" for none
	ID     string // of its element
	Column int    // that edits name, from 0; -1: no such cell, it cannot be edited
	Box    string // where it stands on the picture, in thousandths: "left top right bottom"; "" unknown
	Seen   string // in a form: the text that was seen when it was opened
}

// Line is one row of what was read.
type Line struct {
	ID      int    // names it in edits
	Key     string // id of its element
	N       int    // its place, from 1
	Sum     string // stands for its texts
	Box     string // as in Cell
	Cells   []Cell
	Image   string // on a page of several images: the image's name
	URL     string // and address
	Reading int
}

// Doubt is an issue in words.
type Doubt struct {
	Row     int    // from 1; 0: the whole image
	Column  string // "" for the whole row
	Message string
	Target  string // id of the cell, or ""
	RowID   int    // names the row in edits; 0: the image
	At      int    // the column, from 0; -1: the row
	Seen    string // the cell's text
	Settles string // of a row or an image: the doubt itself
}

// Edit is something that a person did to the rows.
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

// Clash is what a person typed for something that somebody else changed first.
type Clash struct {
	Message string
	Cell    bool // it is a cell that still is there
	Row     int  // its ID
	Column  int
	Now     string
	By      string // "" unknown
	Mine    string
}

// Head is a column of the rows read.
type Head struct {
	Name    string
	Numeric bool
}

// Image is one image with what was read of it.
type Image struct {
	Shell
	Batch     string // address
	BatchName string
	Row       Row
	Picture   string // address
	Width     int
	Height    int
	Notes     []string
	Total     int
	Previous  string // address or ""
	Next      string // address or ""
	Heads     []Head
	Lines     []Line
	Doubts    []Doubt
	Text      string
	Steer     Steer

	Reading       int    // which reading is shown; edits carry it
	Me            string // what the person's edits are signed with
	CanUndo       bool
	CheckedBy     string // who found it right; "" nobody
	CheckedImages int    // in the batch
	Outdated      int    // edits of an earlier reading that are not in these rows
	History       []Edit // newest first
	Form          *Line  // the row that is edited without scripts
	Clash         *Clash
	Problem       string // why the last edit was refused, a sentence
	Said          string // what the last edit did, a sentence
	Now           time.Time
}

// Problem is what an error page says.
type Problem struct {
	Status    int
	Title     string
	Detail    string
	RequestID string
}

// SignIn is the page that asks for the password.
type SignIn struct {
	Next    string // where to go afterwards, an address of ours
	Problem string // why the last try did not work, a sentence
}

// Rows is all rows of a batch, a page of them at a time.
type Rows struct {
	Shell
	Batch      string // address of the batch
	URL        string // of this page, without what is asked
	Name       string
	Images     int
	Checked    int // images that a person found right
	All        int // rows
	Doubtful   int // cells in doubt
	Found      int // rows that what is asked for leaves
	Query      string
	Image      int // only of this one; 0 all
	OnlyDoubts bool
	Sort       string // number of a column from 1, behind "-" when descending; "" as read
	Page       int    // from 0
	Pages      int
	Heads      []Head
	Lines      []Line
	Pictures   []Shot
	Find       Find
	Unclear    Unclear
	Said       string // what was done, a sentence
	Group      string // names what was done, to be undone
	Me         string
}

// At is the address of another page or order of the same rows.
func (v Rows) At(page int, sort string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			q.Set(name, value)
		}
	}
	set("q", v.Query)
	set("image", strconv.Itoa(v.Image))
	if v.OnlyDoubts {
		q.Set("doubts", "1")
	}
	set("sort", sort)
	set("page", strconv.Itoa(page))
	return v.URL + "?" + q.Encode()
}

// Unclear is dates of which a person can still say how they were meant: 03/04/2026, and 25/12/25.
type Unclear struct {
	Cells      int
	Example    string
	Day, Month string // the example with the day and with the month first
}

// Find is the form of find and replace as it was sent, with what was counted.
type Find struct {
	Text, With, Column string
	Whole, Case        bool
	Counted            bool
	Cells, Images      int
	Examples           []Edit // the first few, with what is and what would be
}

// Figures is what was read on each day.
type Figures struct {
	Shell
	Days []Day // the newest first
}

// Day is what one engine did in a day.
type Day struct {
	At                                  time.Time
	Engine                              string
	Read, Reused, Failed, Calls, Tokens int
	USD                                 float64
}
