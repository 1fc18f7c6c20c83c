// Package simulator is a fake of the Gemini API on 127.0.0.1 that implements its wire format. It also draws
// inventory sheets, and recognises them on the pictures of requests. It serves tests, benchmarks and the
// demonstration.
package simulator

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options configure the simulator. The zero value has one healthy key, "test-key".
type Options struct {
	Keys   []Key         // none: one key "test-key"
	Models []string      // known models; none: every name is known
	Plain  []string      // of Models, those that do not think
	Minute time.Duration // length of the quota window; 0: 60 s
	Seed   uint64        // of random shares and jitter
	// Plan sets the answer of each call for a sheet that its key would answer with the rows, and a factor of the key's latency;
	// attempts are counted from 1. A nil answer is the rows. Plan nil: the rows, in the usual time.
	Plan     func(sheet, attempt int) (*Answer, float64)
	KeepBody bool // keep each request's body, without its pictures, in the call log
}

// Call is the record of one request.
type Call struct {
	N       int       // 1 for the first
	Key     string    // label of the key, "" for an unknown one
	Method  string    // generateContent, countTokens or get
	Model   string    // without "models/"
	Kind    string    // the kind of answer: "ok", "rpm", "rpd", a payload's name, "hang" …
	At      time.Time // arrival
	Took    time.Duration
	Status  int             // 0 if the connection was reset
	Sheet   int             // number of the recognised sheet, -1 if none was
	Tokens  int             // of the prompt, as counted by the simulator
	Picture [32]byte        // SHA-256 of the picture's bytes, zero if there was none
	Order   []string        // types of the question's parts, in order: "text", "image/jpeg" …
	Prompt  string          // all the text of the question
	Body    json.RawMessage // with Options.KeepBody: the request without pictures
	Header  http.Header     // without the key

	asked question
}

// Stats are the counters of one key.
type Stats struct {
	Calls int            // generateContent only
	Kinds map[string]int // calls by kind of answer
	Peak  int            // maximum concurrent calls
}

// Server is a running simulator. All methods are safe for concurrent use.
type Server struct {
	URL string // http://127.0.0.1:port

	opt  Options
	http *http.Server
	done chan struct{}
	busy sync.WaitGroup // handlers and the accept loop

	mu       sync.Mutex
	rand     *rand.Rand
	keys     map[string]*keyState
	projects map[string]*project
	outage   *Answer
	attempts map[int]int // calls for each sheet that Plan was asked about
	calls    []Call
	n        int
	changed  chan struct{} // closed and replaced when a call ends
}

// New starts a simulator. The caller must Close it.
func New(opt Options) (*Server, error) {
	if opt.Minute == 0 {
		opt.Minute = time.Minute
	}
	if len(opt.Keys) == 0 {
		opt.Keys = []Key{{Value: "test-key"}}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		URL: "http://" + listener.Addr().String(), opt: opt, done: make(chan struct{}),
		rand: rand.New(rand.NewPCG(opt.Seed, 1)), keys: map[string]*keyState{}, projects: map[string]*project{}, attempts: map[int]int{},
		changed: make(chan struct{}),
	}
	for _, k := range opt.Keys {
		s.SetKey(k)
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	s.busy.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a broken listener of our own makes every test meaningless
		}
	})
	return s, nil
}

// Test is the part of testing.TB that Start needs, so that the program does not include package testing.
type Test interface {
	Helper()
	Fatal(args ...any)
	Cleanup(f func())
}

// Start is New for tests; the simulator is closed when the test ends.
func Start(t Test, opt Options) *Server {
	t.Helper()
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Close ends every call, including hanging ones, and returns when no goroutine of the server runs any more. It may
// be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	s.mu.Unlock()
	_ = s.http.Close()
	s.busy.Wait()
}

// SetKey adds a key or replaces the behaviour of the one with the same value. Its project keeps its counters.
func (s *Server) SetKey(k Key) {
	if k.Label == "" {
		k.Label = k.Value
	}
	name := k.Project
	if name == "" {
		name = "of " + k.Value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.projects[name] == nil {
		s.projects[name] = &project{}
	}
	state := &keyState{Key: k, project: s.projects[name]}
	if old := s.keys[k.Value]; old != nil {
		state.inFlight, state.peak = old.inFlight, old.peak
		*old = *state
		return
	}
	s.keys[k.Value] = state
}

// RemoveKey removes a key: calls with it are answered as with an invalid one.
func (s *Server) RemoveKey(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, value)
}

// SetOutage answers every call with a until SetOutage(nil).
func (s *Server) SetOutage(a *Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = a
}

// NewDay resets the daily quota of every key.
func (s *Server) NewDay() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.projects {
		p.today = 0
	}
}

// Calls returns the calls that have ended, in the order of their end.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Stats returns the counters by key label.
func (s *Server) Stats() map[string]Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Stats{}
	for _, k := range s.keys {
		all[k.Label] = Stats{Kinds: map[string]int{}, Peak: max(k.peak, all[k.Label].Peak)}
	}
	for _, c := range s.calls {
		if c.Method != methodGenerate {
			continue
		}
		st, ok := all[c.Key]
		if !ok {
			st.Kinds = map[string]int{}
		}
		st.Calls++
		st.Kinds[c.Kind]++
		all[c.Key] = st
	}
	return all
}

// InFlight returns the number of running calls with the key of that label.
func (s *Server) InFlight(label string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, k := range s.keys {
		if k.Label == label {
			n += k.inFlight
		}
	}
	return n
}

// Wait returns when cond holds; it is evaluated whenever a call begins or ends, without the lock held. It returns
// ctx's error when ctx ends first.
func (s *Server) Wait(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("simulator: waited in vain: %w", ctx.Err())
		}
	}
}

func (s *Server) signal() { // the caller holds mu
	close(s.changed)
	s.changed = make(chan struct{})
}

// pause waits for d and reports whether the client is still connected then.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}

// known caches the number of the sheet on each picture, by its digest, -1 for none: a process recognises each
// picture once, for all servers.
var known sync.Map

func sheetOf(picture []byte) (int, [32]byte) {
	digest := sha256.Sum256(picture)
	if n, there := known.Load(digest); there {
		return n.(int), digest
	}
	n, err := Recognize(picture)
	if err != nil {
		n = -1
	}
	known.Store(digest, n)
	return n, digest
}

func (s *Server) knows(model string) bool {
	return len(s.opt.Models) == 0 || slices.Contains(s.opt.Models, strings.TrimPrefix(model, "models/"))
}
