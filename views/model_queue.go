package views

// Question is one doubt as a page asks it. It is also sent to the page's script as JSON.
type Question struct {
	ID         string   `json:"id"` // "image.row.column", see Ask in the form
	N          int      `json:"n"`
	Row        int      `json:"row"`        // row ID; 0: the image
	Column     int      `json:"column"`     // from 0; -1: the row or the image
	Generation int      `json:"generation"` // of the rows shown; answers carry it
	Kind       string   `json:"kind"`       // "rule", "guessed", "unreadable" or "rows"
	Head       string   `json:"head"`       // the column, or the place of the doubt
	Sub        string   `json:"sub"`        // the row that it belongs to, in words
	Why        string   `json:"why"`
	Text       string   `json:"text"`
	Offers     []string `json:"offers,omitempty"`
	Box        string   `json:"box,omitempty"` // the cell on the picture, in thousandths: "left top right bottom"
	Band       string   `json:"band,omitempty"`
	Like       string   `json:"like"` // equal for questions of the same kind
}

// Sheet is a picture of the queue.
type Sheet struct {
	N      int    `json:"n"`
	Name   string `json:"name"`
	By     string `json:"by"` // the engine or model that read it
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// Kind is a kind of doubt with the number of open ones.
type Kind struct {
	Word string
	Left int
}

// Questions is the queue as the page's script gets it.
type Questions struct {
	Total     int        `json:"total"`
	Reading   int        `json:"reading"` // pictures that are still being read
	Questions []Question `json:"questions"`
	Sheets    []Sheet    `json:"sheets"`
}

// Queue is the page that asks one doubt after the other over all pictures of a batch.
type Queue struct {
	Shell
	Batch    string // address of the batch
	Name     string
	Total    int // open doubts of the batch
	Place    int // of the question among those of its kind, from 1
	Of       int // how many those are
	Kind     string
	Kinds    []Kind
	Reading  int // pictures that are still being read
	Question Question
	Sheet    Sheet
	Next     string // id of the question after this one; "" for the last
	Likes    int    // questions like this one, with this one
	Heads    []Head
	Lines    []Line
	CanUndo  bool
	Problem  string // why the last answer was not saved, a sentence
}

// Finished is the end of the queue.
type Finished struct {
	Shell
	Batch      string
	Name       string
	Right      int // cells that were found right as read
	Changed    int
	Unreadable int
	People     int // people that have answered
	Reading    int // pictures that are still being read, for the first or the second time
	Failed     int // pictures without rows
	Rows       int
	CanUndo    bool
	Kept       Kept
}
