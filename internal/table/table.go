// Package table defines the requested table (columns with types and rules) and the result of a reading (rows of cells with
// their doubts). It also makes the prompt and the JSON schema for a table, and turns an answer into rows.
//
// Answers are conserved: every value in an engine's answer ends in a row, in an issue, or the answer is refused as a
// ShapeError and requested again. Rows are never fewer or more than the answer has without an issue. The ledger ensures
// this: each part of Parse settles the values that it uses, and an issue lists the values that nothing settled.
package table

// Type is the type of a column's values. It determines the question, the checks and the format in the workbook.
type Type string

// The types a column can have. Text is kept exactly as read.
const (
	Text   Type = "text"
	Number Type = "number"
	Date   Type = "date"
	YesNo  Type = "yesno"
	Choice Type = "choice" // one of Column.Choices
)

// Column is one thing to find for every row.
type Column struct {
	Name        string    `json:"name"` // unique in its table, 1 to 100 characters, shown as header
	Type        Type      `json:"type"`
	Description string    `json:"description,omitempty"` // words for the engine and for people; up to 500 characters
	Choices     []string  `json:"choices,omitempty"`     // for Choice: 1 to 100 allowed values
	Required    bool      `json:"required,omitempty"`    // a blank cell is a doubt
	Unique      bool      `json:"unique,omitempty"`      // a value that comes again in the batch is a doubt; see Distinct
	Pattern     string    `json:"pattern,omitempty"`     // a regular expression (RE2) for the whole value; a value that does not match is a doubt
	Dates       DateOrder `json:"dates,omitempty"`       // for Date: the meaning of 03/04/2024; "" for the meaning that the column's values prove
	Decimal     Mark      `json:"decimal,omitempty"`     // for Number: the meaning of 1,250 and 12.500; "" for the meaning that the column's values prove
	Example     string    `json:"example,omitempty"`     // a value as the sheets have it, for the engine and for people

	Concluded Meaning `json:"-"` // the meaning that the values of the column prove; only in a table that Concluded made
}

// Table is the columns wanted of every image of a batch.
type Table struct {
	Preset  string   `json:"preset,omitempty"` // the preset it came from: "inventory", "receipt", "any", or "" for own columns
	Columns []Column `json:"columns,omitempty"`
	Open    bool     `json:"open,omitempty"`   // the columns are those that each sheet itself shows; Columns is empty
	Single  bool     `json:"single,omitempty"` // one row an image (a receipt), not many (a list)
}

// State says how far a cell can be trusted.
type State string

// The states of a cell. The zero value counts as Read.
const (
	Read       State = "read"
	Blank      State = "blank"      // the sheet shows nothing there
	Unreadable State = "unreadable" // something is there that could not be read
	Guessed    State = "guessed"    // read with doubt
	Edited     State = "edited"     // set by a person
	Accepted   State = "accepted"   // read with a doubt, and found right by a person
	Lost       State = "lost"       // found unreadable by a person
)

// Cell is one value as read. It is text for every type of column, so that 00123 stays 00123.
type Cell struct {
	Text       string  `json:"t"`
	State      State   `json:"s,omitempty"`
	Confidence float64 `json:"c,omitempty"` // 0 to 1 where the engine measures it; 0 means not measured
	Box        *Box    `json:"b,omitempty"` // where the engine saw it, if it says so
	Meant      string  `json:"m,omitempty"` // the meaning of the text when a person typed or accepted it: see Column.Meant
}

// Box is a place on the prepared picture, in thousandths of its height and width from the top left.
type Box struct {
	Top    int `json:"y0"`
	Left   int `json:"x0"`
	Bottom int `json:"y1"`
	Right  int `json:"x1"`
}

// Row is one line of the table, its cells in the order of the columns.
type Row struct {
	ID    int    `json:"i,omitempty"` // names the row once people edit, wherever it moves; 0: its place as read, from 1
	Cells []Cell `json:"c"`
	Box   *Box   `json:"b,omitempty"` // where the engine saw it, if it says so
}

// Issue is a doubt about a cell, a row or the whole image, shown to the person.
type Issue struct {
	Row     int    `json:"r"` // index into the rows; -1: about the image
	Column  int    `json:"c"` // index into the columns; -1: about the row
	Kind    string `json:"k"` // one of the Kind constants
	Message string `json:"m"` // a sentence for the person
}

// The kinds of doubt.
const (
	KindConfidence = "confidence" // the engine was not sure
	KindUnreadable = "unreadable"
	KindGuessed    = "guessed"
	KindRule       = "rule"    // does not fit its column's type or rule
	KindMissing    = "missing" // required, and blank
	KindRows       = "rows"    // fewer or more rows than the engine said it saw
	KindOffline    = "offline" // read by the offline engine
	KindColumns    = "columns" // the sheet's columns could not be matched
	KindDuplicate  = "duplicate"
	KindForm       = "form"    // written another way than most of its column, by letters or digits that look alike
	KindWitness    = "witness" // a second, independent reading has something else there
	KindMeaning    = "meaning" // means one thing or another, and the column does not say which; never stored
)
