package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"sheetlift/internal/errs"
)

// Memory stores small documents for all processes, under ids of letters, digits and dots.
type Memory interface {
	// Load returns all documents by id.
	Load(ctx context.Context) (map[string][]byte, error)
	// Save stores doc durably under id; it expires after life, never if life is 0.
	Save(ctx context.Context, id string, doc []byte, life time.Duration) error
	// Remove deletes the document of id. Removing an unknown id is no error.
	Remove(ctx context.Context, id string) error
	// Watch calls f with each stored document and each later save by any process, and with nil for a removed one,
	// from one goroutine, until ctx ends.
	Watch(ctx context.Context, f func(id string, doc []byte)) error
}

const (
	tokenPrefix = "token."
	usedPrefix  = "used."
	endedPrefix = "ended."

	secretPrefix = "sheetlift_" // prefix of every token, so that scanners for leaked secrets can find one
	maxTokens    = 500
	maxName      = 40

	usedEvery  = 10 * time.Minute     // resolution of a token's last use
	usedLife   = 400 * 24 * time.Hour // how long the last use is stored
	watchRetry = time.Second
)

// Token is an API token as people see it. Its secret is shown once, by Create.
type Token struct {
	ID      string
	Name    string
	Role    Role
	Created time.Time
	Used    time.Time // approximate; zero if never used
}

// record is the stored form of a token. It holds only the SHA-256 of the secret, which has 256 random bits.
type record struct {
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
}

// Registry holds the API tokens and the ended sessions, in every process and after a restart. It answers from
// memory. Safe for concurrent use; call NewRegistry.
type Registry struct {
	memory Memory
	log    *slog.Logger
	uses   chan string

	mu      sync.RWMutex
	tokens  map[string]Token     // by id
	hashes  map[string]string    // ids by hash
	revoked map[string]bool      // ids; a late update does not bring a revoked token back
	used    map[string]time.Time // by id
	ended   map[string]time.Time // end of validity of an ended ticket, by its document's id
}

// NewRegistry returns a registry over a memory; with nil everything stays in this process.
func NewRegistry(m Memory, log *slog.Logger) *Registry {
	return &Registry{
		memory: m, log: log, uses: make(chan string, 64), tokens: map[string]Token{}, hashes: map[string]string{},
		revoked: map[string]bool{}, used: map[string]time.Time{}, ended: map[string]time.Time{},
	}
}

// Recall loads the stored documents. Call it before any request is authenticated.
func (g *Registry) Recall(ctx context.Context) error {
	if g.memory == nil {
		return nil
	}
	docs, err := g.memory.Load(ctx)
	if err != nil {
		return err
	}
	for id, doc := range docs {
		g.apply(id, doc)
	}
	return nil
}

// Run applies changes of other processes and stores the last use of tokens, until ctx ends.
func (g *Registry) Run(ctx context.Context) error {
	if g.memory == nil {
		<-ctx.Done()
		return nil
	}
	var watching sync.WaitGroup
	watching.Go(func() { g.watch(ctx) })
	defer watching.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-g.uses:
			at, _ := g.lastUse(id)
			if err := g.memory.Save(ctx, usedPrefix+id, []byte(at.UTC().Format(time.RFC3339)), usedLife); err != nil && ctx.Err() == nil {
				g.log.Debug("storing the last use of a token failed", "token", id, "err", err)
			}
		}
	}
}

// watch keeps a watch open while ctx lives: without it, revoked tokens would still be valid here.
func (g *Registry) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := g.memory.Watch(ctx, g.apply)
		if err != nil && ctx.Err() == nil {
			g.log.Error("watching tokens and sessions failed; retrying", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchRetry):
		}
	}
}

// apply applies one document; nil means removed.
func (g *Registry) apply(id string, doc []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	token, isToken := strings.CutPrefix(id, tokenPrefix)
	switch {
	case isToken && doc == nil:
		g.removeToken(token)
	case isToken:
		g.addToken(token, doc)
	case strings.HasPrefix(id, usedPrefix):
		if at, err := time.Parse(time.RFC3339, string(doc)); err == nil {
			id = strings.TrimPrefix(id, usedPrefix)
			if at.After(g.used[id]) {
				g.used[id] = at
			}
		}
	case strings.HasPrefix(id, endedPrefix) && doc == nil: // it expired
		delete(g.ended, id)
	case strings.HasPrefix(id, endedPrefix):
		if until, err := time.Parse(time.RFC3339, string(doc)); err == nil {
			g.ended[id] = until
		}
	}
}

// addToken adds a token. An unreadable document is ignored. The caller holds g.mu.
func (g *Registry) addToken(id string, doc []byte) {
	var r record
	if g.revoked[id] || json.Unmarshal(doc, &r) != nil {
		return
	}
	role, ok := ParseRole(r.Role)
	if !ok || len(r.Hash) != 2*sha256.Size {
		return
	}
	g.tokens[id] = Token{ID: id, Name: r.Name, Role: role, Created: r.Created}
	g.hashes[r.Hash] = id
}

// removeToken removes a token for good. The caller holds g.mu.
func (g *Registry) removeToken(id string) {
	g.revoked[id] = true
	delete(g.tokens, id)
	delete(g.used, id)
	maps.DeleteFunc(g.hashes, func(_, of string) bool { return of == id })
}

// Create makes a token and returns its secret, which is stored nowhere.
func (g *Registry) Create(ctx context.Context, name string, role Role, now time.Time) (Token, string, error) {
	name = strings.Join(strings.Fields(name), " ")
	printable := !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
	if name == "" || utf8.RuneCountInString(name) > maxName || !utf8.ValidString(name) || !printable {
		return Token{}, "", errs.New(errs.Invalid, "A token needs a name of up to %d characters, such as the program that uses it.", maxName)
	}
	if role != Viewer && role != Operator {
		return Token{}, "", errs.New(errs.Invalid, "A token is for a viewer or for an operator.")
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails since Go 1.24
	secret := secretPrefix + hex.EncodeToString(random)
	t := Token{ID: strings.ToLower(rand.Text()[:10]), Name: name, Role: role, Created: now.UTC().Truncate(time.Second)}
	doc, err := json.Marshal(record{Name: name, Role: role.String(), Hash: hashOf(secret), Created: t.Created})
	if err != nil {
		return Token{}, "", err
	}
	for _, other := range g.Tokens() {
		if strings.EqualFold(other.Name, name) {
			return Token{}, "", errs.New(errs.Conflict, "There is a token with this name already. Choose another name, or revoke that one.")
		}
	}
	if len(g.Tokens()) >= maxTokens {
		return Token{}, "", errs.New(errs.Conflict, "There are %d tokens already. Revoke those that are not used.", maxTokens)
	}
	if err := g.save(ctx, tokenPrefix+t.ID, doc, 0); err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

// save stores a document and applies it here.
func (g *Registry) save(ctx context.Context, id string, doc []byte, life time.Duration) error {
	if g.memory != nil {
		if err := g.memory.Save(ctx, id, doc, life); err != nil {
			return err
		}
	}
	g.apply(id, doc)
	return nil
}

// Tokens returns all tokens, the newest first.
func (g *Registry) Tokens() []Token {
	g.mu.RLock()
	defer g.mu.RUnlock()
	all := make([]Token, 0, len(g.tokens))
	for _, t := range g.tokens {
		t.Used = g.used[t.ID]
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b Token) int {
		if d := b.Created.Compare(a.Created); d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// Revoke ends the token with this id or name, at once here and within moments in every other process. NotFound if
// there is none.
func (g *Registry) Revoke(ctx context.Context, word string) (Token, error) {
	all := g.Tokens()
	i := slices.IndexFunc(all, func(t Token) bool { return t.ID == word })
	if i < 0 {
		i = slices.IndexFunc(all, func(t Token) bool { return strings.EqualFold(t.Name, word) })
	}
	if i < 0 {
		return Token{}, errs.New(errs.NotFound, "There is no such token any more.")
	}
	t := all[i]
	if g.memory != nil {
		if err := g.memory.Remove(ctx, tokenPrefix+t.ID); err != nil {
			return Token{}, err
		}
		if err := g.memory.Remove(ctx, usedPrefix+t.ID); err != nil {
			g.log.Debug("removing the last use of a token failed", "token", t.ID, "err", err)
		}
	}
	g.apply(tokenPrefix+t.ID, nil)
	return t, nil
}

// Secret returns the role of a token's secret, Nobody for an invalid one. Tokens are looked up by hash, so the time
// of the lookup reveals nothing about them.
func (g *Registry) Secret(secret string, now time.Time) Role {
	if !strings.HasPrefix(secret, secretPrefix) {
		return Nobody
	}
	hash := hashOf(secret)
	g.mu.RLock()
	id, known := g.hashes[hash]
	role, last := g.tokens[id].Role, g.used[id]
	g.mu.RUnlock()
	if !known {
		return Nobody
	}
	if now.Sub(last) >= usedEvery {
		g.use(id, now)
	}
	return role
}

// use records that a token is used now, and queues it for storing.
func (g *Registry) use(id string, now time.Time) {
	g.mu.Lock()
	if g.revoked[id] || now.Sub(g.used[id]) < usedEvery {
		g.mu.Unlock()
		return
	}
	g.used[id] = now
	g.mu.Unlock()
	select {
	case g.uses <- id:
	default: // the next use is queued again
	}
}

func (g *Registry) lastUse(id string) (time.Time, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	at, used := g.used[id]
	return at, used
}

// End ends a ticket that is valid until a time: here at once even on error; in every process and after a restart if
// there is none.
func (g *Registry) End(ctx context.Context, ticket string, until, now time.Time) error {
	id, doc := ticketID(ticket), []byte(until.UTC().Format(time.RFC3339))
	g.apply(id, doc)
	g.mu.Lock()
	maps.DeleteFunc(g.ended, func(_ string, until time.Time) bool { return now.After(until) })
	g.mu.Unlock()
	if g.memory == nil {
		return nil
	}
	return g.memory.Save(ctx, id, doc, max(until.Sub(now), time.Second)+time.Minute)
}

// Ended reports whether a ticket was ended.
func (g *Registry) Ended(ticket string) bool {
	id := ticketID(ticket)
	g.mu.RLock()
	defer g.mu.RUnlock()
	_, ended := g.ended[id]
	return ended
}

func ticketID(ticket string) string { return endedPrefix + hashOf(ticket)[:32] }

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
