package views

import "time"

// Key is one key of the pool as people may see it: by its label, never by its value.
type Key struct {
	Label      string
	Project    string
	Shares     []string // labels of keys that share its limits
	State      string   // "ready", "due" (its rest is over), "resting" (seconds), "spent" (its day or money), "refused" or "off"
	Class      string   // what brought it there, such as "rpm"; words/en.json has a sentence for each that is known
	Reason     string   // what the service said, or ""
	Back       time.Time
	Running    int
	Share      float64       // of the work of the last minutes, 0 to 1
	Calls      int           // begun
	Ended      int           // of them, without those given up here and those that the picture or the model was to blame for
	Good       int           // of those, with an answer of use
	Latency    time.Duration // of a good call; 0 unknown
	PerMinute  int           // learned limit; 0 unknown
	LastMinute int           // calls in the last minute
	PerDay     int           // learned limit; 0 unknown
	Today      int           // calls today
	Added      bool          // by a person, and forgotten at the end
	Failures   []Failure     // the newest first
	Lately     []Tally       // of the last ten minutes by ten seconds, the oldest first; nil without calls
}

// Failure is one kind of thing that went wrong with a key.
type Failure struct {
	Class string // as in Key
	Text  string // what the service said the last time
	Count int
	First time.Time
	Last  time.Time
}

// Tally is how many calls of a key ended well within ten seconds, and how many did not.
type Tally struct{ Good, Bad int }

// Event is something that happened to a key.
type Event struct {
	At    time.Time
	Key   string
	Class string // as in Key
	Text  string // what the service said
}

// Keys is the page of the pool.
type Keys struct {
	Shell
	Keys    []Key
	Reader  Reader
	Now     time.Time
	Next    time.Time // when a key can read again, while none can; zero: one can, or nobody knows
	Waiting int       // pictures that wait for a key
	Down    bool      // the service itself is down
	Unread  string    // why the keys were not read anew, for the technician; "" when they were
	Events  []Event   // newest first
	Said    string    // what came of the last action, a sentence
	Mood    string    // "bad" if it is bad news, "wait" if it is half good
	Wire    bool      // the page follows what happens
	Keeps   bool      // an added key is written to a file
}

// Most is the most calls of any key within one tally, so that all are drawn to one scale.
func (v Keys) Most() int {
	most := 0
	for _, k := range v.Keys {
		for _, t := range k.Lately {
			most = max(most, t.Good+t.Bad)
		}
	}
	return most
}
