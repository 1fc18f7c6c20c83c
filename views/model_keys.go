package views

import "time"

// Key is one key of the pool as shown to people: its label, never its value.
type Key struct {
	Label      string
	Project    string
	Shares     []string // labels of keys that share its quota
	State      string   // "ready", "due" (cooldown over), "resting" (seconds), "spent" (daily quota or budget), "refused" or "off"
	Class      string   // error class of its state, such as "rpm"; words/en.json has a sentence for each known one
	Reason     string   // message of the service, or ""
	Back       time.Time
	Running    int
	Share      float64       // of the calls in the last minutes, 0 to 1
	Calls      int           // begun
	Ended      int           // of Calls, without those aborted here and those that failed because of the picture or the model
	Good       int           // of Ended, with a usable answer
	Latency    time.Duration // of a successful call; 0 if unknown
	PerMinute  int           // learned limit; 0 if unknown
	LastMinute int           // calls in the last minute
	PerDay     int           // learned limit; 0 if unknown
	Today      int           // calls today
	Added      bool          // added by a person, and lost at the next restart
	Failures   []Failure     // newest first
	Lately     []Tally       // the last ten minutes in slots of ten seconds, oldest first; nil without calls
}

// Failure is one class of errors of a key.
type Failure struct {
	Class string // as in Key
	Text  string // last message of the service
	Count int
	First time.Time
	Last  time.Time
}

// Tally counts the successful and other calls of a key within ten seconds.
type Tally struct{ Good, Bad int }

// Event is one event in the history of a key.
type Event struct {
	At    time.Time
	Key   string
	Class string // as in Key
	Text  string // message of the service
}

// Keys is the page of the key pool.
type Keys struct {
	Shell
	Keys    []Key
	Reader  Reader
	Now     time.Time
	Next    time.Time // when a key can read again, while none can; zero if one can or the time is unknown
	Waiting int       // pictures waiting for a key
	Down    bool      // the service itself is down
	Unread  string    // why the keys file was not read again, for the technician; "" if it was
	Events  []Event   // newest first
	Said    string    // result of the last action, a sentence
	Mood    string    // "bad" for an error, "wait" for a partial success
	Wire    bool      // the page receives live updates
	Keeps   bool      // an added key is saved to a file
	NoStore bool      // Google is asked not to store the data sent
	Ending  []Ending  // models in use that will be retired
}

// Ending is a model that will be retired, or is no longer reliable.
type Ending struct {
	Model   string
	Retires time.Time // zero: unknown
	Message string    // Google's own message, or ""
}

// Most returns the maximum number of calls in one tally over all keys, so that all charts have one scale.
func (v Keys) Most() int {
	most := 0
	for _, k := range v.Keys {
		for _, t := range k.Lately {
			most = max(most, t.Good+t.Bad)
		}
	}
	return most
}

// Offer is a model to choose.
type Offer struct {
	ID       string
	Thinking []string // its thinking levels, lowest first
	Input    float64  // US dollars per million tokens
	Output   float64
	Priced   bool
}

// Values returns the form values of a model: one for each thinking level.
func (o Offer) Values() []string {
	if len(o.Thinking) == 0 {
		return []string{o.ID}
	}
	var all []string
	for _, level := range o.Thinking {
		all = append(all, o.ID+" "+level)
	}
	return all
}
