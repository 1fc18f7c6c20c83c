package access

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is a Memory shared by several registries, as processes share a store.
type shelf struct {
	mu       sync.Mutex
	docs     map[string][]byte
	watchers []func(string, []byte)
	broken   bool
}

var errBroken = errors.New("the store is away")

func (s *shelf) Load(context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][]byte{}
	for id, doc := range s.docs {
		all[id] = doc
	}
	return all, nil
}

func (s *shelf) change(id string, doc []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return errBroken
	}
	if s.docs == nil {
		s.docs = map[string][]byte{}
	}
	if s.docs[id] = doc; doc == nil {
		delete(s.docs, id)
	}
	for _, f := range s.watchers {
		f(id, doc)
	}
	return nil
}

func (s *shelf) Save(_ context.Context, id string, doc []byte, _ time.Duration) error {
	return s.change(id, doc)
}

func (s *shelf) Remove(_ context.Context, id string) error { return s.change(id, nil) }

func (s *shelf) Watch(ctx context.Context, f func(string, []byte)) error {
	s.mu.Lock()
	for id, doc := range s.docs {
		f(id, doc)
	}
	s.watchers = append(s.watchers, f)
	s.mu.Unlock()
	<-ctx.Done()
	return nil
}

// registry returns a process over the shelf; it runs until the test ends.
func (s *shelf) registry(t *testing.T) *Registry {
	t.Helper()
	g := NewRegistry(s, slog.New(slog.DiscardHandler))
	if err := g.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return g
}

func TestATokenCountsInEveryProcessUntilItIsRevokedAndIsNeverStoredItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		one, two := s.registry(t), s.registry(t)
		synctest.Wait()
		token, secret, err := one.Create(t.Context(), "  the   scanner ", Viewer, time.Now())
		if err != nil || token.Name != "the scanner" {
			t.Fatal(token, err)
		}
		for id, doc := range s.docs {
			if strings.Contains(string(doc)+id, secret[len(secretPrefix):]) {
				t.Error("the token itself is stored")
			}
		}
		three := s.registry(t) // a restart
		synctest.Wait()
		for i, g := range []*Registry{one, two, three} {
			if got := g.Secret(secret, time.Now()); got != Viewer {
				t.Errorf("process %d knows the token as %v", i+1, got)
			}
			if g.Secret(secret+"0", time.Now()) != Nobody || g.Secret("", time.Now()) != Nobody || g.Secret(secretPrefix, time.Now()) != Nobody {
				t.Errorf("process %d takes another token", i+1)
			}
		}
		created := s.docs[tokenPrefix+token.ID]
		if _, err := two.Revoke(t.Context(), "The Scanner"); err != nil {
			t.Fatal(err)
		}
		one.apply(tokenPrefix+token.ID, created) // a late update
		for i, g := range []*Registry{one, two, three, s.registry(t)} {
			if got := g.Secret(secret, time.Now()); got != Nobody {
				t.Errorf("revoked, process %d knows the token as %v", i+1, got)
			}
		}
	})
}

func TestTheLastUseOfATokenIsKnownAboutAndEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		one, two := s.registry(t), s.registry(t)
		synctest.Wait()
		_, secret, err := one.Create(t.Context(), "scanner", Operator, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if at := two.Tokens()[0].Used; !at.IsZero() {
			t.Errorf("never used, and last used %v", at)
		}
		first := time.Now().Truncate(time.Second)
		one.Secret(secret, first)
		one.Secret(secret, first.Add(time.Minute))
		synctest.Wait()
		if at := two.Tokens()[0].Used; !at.Equal(first) {
			t.Errorf("last used %v, want %v", at, first)
		}
		later := first.Add(usedEvery)
		one.Secret(secret, later)
		synctest.Wait()
		if at := two.Tokens()[0].Used; !at.Equal(later) {
			t.Errorf("last used %v, want %v", at, later)
		}
	})
}

func TestAnEndedTicketIsKnownToAllProcessesAndAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		one, two := s.registry(t), s.registry(t)
		synctest.Wait()
		now := time.Now()
		if err := one.End(t.Context(), "ticket", now.Add(SessionLife), now); err != nil {
			t.Fatal(err)
		}
		if !one.Ended("ticket") || !two.Ended("ticket") || !s.registry(t).Ended("ticket") {
			t.Error("an ended ticket counts somewhere")
		}
		if one.Ended("another") {
			t.Error("a ticket that was not ended does not count")
		}
		s.broken = true
		if err := one.End(t.Context(), "other", now.Add(SessionLife), now); err == nil || !one.Ended("other") {
			t.Errorf("without the store: %v, ended here %t", err, one.Ended("other"))
		}
		s.broken = false
		if err := one.End(t.Context(), "third", now.Add(30*time.Hour), now.Add(SessionLife+time.Second)); err != nil {
			t.Fatal(err)
		}
		if len(one.ended) != 1 {
			t.Errorf("%d tickets are remembered after their time", len(one.ended)-1)
		}
	})
}

func TestATokenNeedsANameOfItsOwnAndARole(t *testing.T) {
	t.Parallel()
	g := NewRegistry(nil, slog.New(slog.DiscardHandler))
	for _, name := range []string{"", " ", strings.Repeat("x", maxName+1), "a\x00b", "a\u202eb", "\xff"} {
		if _, _, err := g.Create(t.Context(), name, Viewer, time.Now()); err == nil {
			t.Errorf("%q is taken as a name", name)
		}
	}
	if _, _, err := g.Create(t.Context(), "x", Nobody, time.Now()); err == nil {
		t.Error("a token without a role was made")
	}
	if _, _, err := g.Create(t.Context(), "Scanner", Viewer, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.Create(t.Context(), "scanner", Viewer, time.Now()); err == nil {
		t.Error("a name was taken twice")
	}
	if _, err := g.Revoke(t.Context(), "nobody"); err == nil {
		t.Error("a token that is not there was revoked")
	}
}

func TestAPasswordOpensItsRoleAndATicketKeepsIt(t *testing.T) {
	t.Parallel()
	s, now := NewSessions("the operator's", "the viewer's", []byte("secret")), time.Now()
	for password, want := range map[string]Role{"the operator's": Operator, "the viewer's": Viewer, "": Nobody, "the": Nobody} {
		if got := s.Password(password); got != want {
			t.Errorf("%q opens %v", password, got)
		}
	}
	for _, role := range []Role{Viewer, Operator} {
		ticket := s.Begin(role, now)
		if got, _ := s.Ticket(ticket, now); got != role {
			t.Errorf("the ticket of %v counts as %v", role, got)
		}
		if got, _ := s.Ticket(ticket, now.Add(SessionLife)); got != Nobody {
			t.Errorf("an old ticket counts as %v", got)
		}
		if got, _ := NewSessions("the operator's", "changed", []byte("secret")).Ticket(ticket, now); (got == role) != (role == Operator) {
			t.Errorf("after the viewers' password was changed, the ticket of %v counts as %v", role, got)
		}
	}
	if got, _ := s.Ticket(s.Begin(Nobody, now), now); got != Nobody {
		t.Errorf("a ticket of nobody counts as %v", got)
	}
}
