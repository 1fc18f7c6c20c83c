package views

import (
	"net/url"
	"strconv"
)

// Rows is the page of all rows of a batch, paginated.
type Rows struct {
	Shell
	Batch    string // address of the batch
	URL      string // address of this page, without the query
	Name     string
	Images   int
	Checked  int // images confirmed by a person
	All      int // number of rows
	Doubtful int // cells with an issue
	Edited   int // rows with a cell that a person changed
	Missing  int // rows with a blank cell that must not be blank
	Unread   int // images that could not be read
	Found    int // rows that match the filter
	Query    string
	Image    int    // only rows of this image; 0 for all
	Tab      string // one of the Tab… constants, "" for all
	Sort     string // column number from 1, with "-" in front for descending; "" for reading order
	Page     int    // from 0
	Pages    int
	Heads    []Head
	Lines    []Line
	Pictures []Shot
	Find     Find
	Unclear  Unclear
	Marks    []UnclearMark
	Said     string // result of the last action, a sentence
	Kept     Kept
	Group    string // edit group of the last action, for undo
	Me       string
}

// The rows that a tab of the page of all rows shows.
const (
	TabDoubts  = "doubts"
	TabEdited  = "edited"
	TabMissing = "missing" // a cell that must not be blank is, or the image was not read
)

// At returns the address of another page or order of the same rows.
func (v Rows) At(page int, sort string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			q.Set(name, value)
		}
	}
	set("q", v.Query)
	set("image", strconv.Itoa(v.Image))
	set("tab", v.Tab)
	set("sort", sort)
	set("page", strconv.Itoa(page))
	return v.URL + "?" + q.Encode()
}

// with returns the address of the same rows in another tab.
func (v Rows) with(tab string) string {
	v.Tab = tab
	return v.At(0, v.Sort)
}

// Unclear describes ambiguous dates for which a person can still choose the order, such as 03/04/2026 and 25/12/25.
type Unclear struct {
	Cells      int
	Example    string
	Day, Month string // the example with the day and with the month first
}

// UnclearMark is a number column for which a person can choose, or has chosen, the meaning of 1,250.
type UnclearMark struct {
	Column       string
	Cells        int
	Example      string
	Comma, Point string // the example with a decimal comma and with a decimal point
	Said         string // "comma" or "point"; "" if not chosen
	Disproved    bool   // other values disprove the choice
}

// Find is the find-and-replace form as submitted, with the counted matches.
type Find struct {
	Text, With, Column string
	Whole, Case        bool
	Counted            bool
	Cells, Images      int
	Examples           []Edit // the first few matches, with text before and after
}
