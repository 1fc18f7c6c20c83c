package keypool_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/keypool"
)

// memory is an in-memory Memory.
type memory struct {
	mu   sync.Mutex
	docs map[string][]byte
	subs []func(string, []byte)
}

func (m *memory) Load(context.Context) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	docs := map[string][]byte{}
	for id, doc := range m.docs {
		docs[id] = doc
	}
	return docs, nil
}

func (m *memory) Save(_ context.Context, id string, doc []byte) error {
	m.mu.Lock()
	m.docs[id] = doc
	subs := m.subs
	m.mu.Unlock()
	for _, f := range subs {
		f(id, doc)
	}
	return nil
}

func (m *memory) Forget(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.docs, id)
	return nil
}

func (m *memory) Watch(ctx context.Context, f func(string, []byte)) error {
	m.mu.Lock()
	m.subs = append(m.subs, f)
	docs := maps.Clone(m.docs)
	m.mu.Unlock()
	for id, doc := range docs {
		f(id, doc)
	}
	<-ctx.Done()
	return nil
}

// running returns a pool whose Run is running, and its stop function.
func (s *service) running(t *testing.T, seed uint64, n int, m keypool.Memory) (*keypool.Pool, func()) {
	t.Helper()
	p := s.pool(t, seed, n, m)
	if err := p.Recall(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = p.Run(ctx) })
	return p, sync.OnceFunc(func() { cancel(); group.Wait() })
}

func TestARestartForgetsNeitherLimitsNorParkedNorDeadKeys(t *testing.T) {
	virtual(t, func(t *testing.T, seed uint64) {
		s := newService(seed, 6)
		m := &memory{docs: map[string][]byte{}}
		for i := 1; i <= 3; i++ {
			s.quota(10, 0, fmt.Sprintf("key %d", i))
		}
		q := s.quota(0, 5, "key 4")
		q.day, q.today = time.Now().In(california()).Format(time.DateOnly), 5
		s.keys["key 5"].answer = keypool.KeyDead
		p, stop := s.running(t, seed, 6, m)
		s.work(t.Context(), p, workers, 2*time.Minute, endless())
		stop()
		restart := time.Now()
		p, stop = s.running(t, seed+7, 6, m)
		defer stop()
		s.work(t.Context(), p, workers, 2*time.Minute, endless())
		after := s.counts("", restart, restart.Add(time.Hour))
		if after[keypool.RPM] > 3 || after[keypool.RPD] > 1 || after[keypool.KeyDead] > 0 {
			t.Errorf("after the restart: %v", after)
		}
		for id, doc := range m.docs {
			for i := range 6 {
				if v := fmt.Sprintf("value-%d", i+1); contains(id, v) || contains(string(doc), v) {
					t.Errorf("a key stands in the memory: %s %s", id, doc)
				}
			}
		}
	})
}

func TestWhatOneProcessLearnsTheOtherKnows(t *testing.T) {
	virtual(t, func(t *testing.T, seed uint64) {
		s := newService(seed, 4)
		m := &memory{docs: map[string][]byte{}}
		s.keys["key 2"].answer = keypool.KeyDead
		one, stopOne := s.running(t, seed, 4, m)
		defer stopOne()
		two, stopTwo := s.running(t, seed+9, 4, m)
		defer stopTwo()
		s.work(t.Context(), one, 8, 5*time.Second, endless())
		synctest.Wait()
		before := sum(of(s, "key 2"))
		s.work(t.Context(), two, 8, 5*time.Second, endless())
		if after := sum(of(s, "key 2")); after != before {
			t.Errorf("the second process called the dead key %d times", after-before)
		}
	})
}

func TestTwoProcessesPaceAtHalfALimitEach(t *testing.T) {
	virtual(t, func(t *testing.T, seed uint64) {
		s := newService(seed, 2)
		s.quota(30, 0, "key 1")
		s.quota(30, 0, "key 2")
		m := &memory{docs: map[string][]byte{}}
		one, stopOne := s.running(t, seed, 2, m)
		defer stopOne()
		two, stopTwo := s.running(t, seed+9, 2, m)
		defer stopTwo()
		started := time.Now()
		var group sync.WaitGroup
		for _, p := range []*keypool.Pool{one, two} {
			group.Go(func() { s.work(t.Context(), p, 8, 4*time.Minute, endless()) })
		}
		group.Wait()
		late := s.counts("", started.Add(2*time.Minute), started.Add(4*time.Minute))
		if late[keypool.RPM] > 2 {
			t.Errorf("%d refusals after both knew the limit", late[keypool.RPM])
		}
		atLeast(t, "images", late[keypool.OK], 120, 0.9)
		stopTwo() // the remaining process has the whole limit again
		started = time.Now()
		s.work(t.Context(), one, 8, 3*time.Minute, endless())
		alone := s.counts("", started.Add(time.Minute), started.Add(3*time.Minute))
		atLeast(t, "images of the one that is left", alone[keypool.OK], 120, 0.95)
		if len(m.docs) != 2+1 {
			t.Errorf("%d documents for two keys and one process", len(m.docs))
		}
	})
}

func TestManyRestartsInAMinuteCountEachCallOnce(t *testing.T) {
	virtual(t, func(t *testing.T, seed uint64) {
		m := &memory{docs: map[string][]byte{}}
		var keys []keypool.Key
		for i := 1; i <= 4; i++ {
			k, err := keypool.ParseKey(fmt.Sprintf("key %d@shared:value-%d", i, i), i)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		for restart := range 12 {
			p := keypool.New(keys, keypool.Options{Secret: []byte("0123456789abcdef"), Memory: m, Rand: rand.New(rand.NewPCG(seed, uint64(restart)))})
			if err := p.Recall(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := p.Status(time.Now()).Keys[0].LastMinute; got != 4*restart {
				t.Fatalf("after %d restarts %d calls count, %d were made", restart, got, 4*restart)
			}
			ctx, stop := context.WithCancel(context.Background())
			var group sync.WaitGroup
			group.Go(func() { _ = p.Run(ctx) })
			for range 4 {
				l, err := p.Acquire(t.Context(), keypool.Want{Model: "m"})
				if err != nil {
					t.Fatal(err)
				}
				l.Release(keypool.Outcome{Class: keypool.OK})
			}
			<-time.After(2 * time.Second) // of virtual time: time for the saves
			stop()
			group.Wait()
		}
		<-time.After(time.Minute)
		p := keypool.New(keys, keypool.Options{Secret: []byte("0123456789abcdef"), Memory: m})
		if err := p.Recall(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.Status(time.Now()).Keys[0].LastMinute; got > 4 {
			t.Errorf("a minute later %d calls still count", got)
		}
	})
}

func TestWhatIsSwitchedInOneProcessIsSwitchedInAll(t *testing.T) {
	virtual(t, func(t *testing.T, seed uint64) {
		s := newService(seed, 2)
		m := &memory{docs: map[string][]byte{}}
		one, stopOne := s.running(t, seed, 2, m)
		defer stopOne()
		two, stopTwo := s.running(t, seed+9, 2, m)
		defer stopTwo()
		states := func() [2]keypool.State {
			synctest.Wait()
			now := time.Now()
			return [2]keypool.State{one.Status(now).Keys[0].State, two.Status(now).Keys[0].State}
		}
		if err := one.Disable("key 1"); err != nil {
			t.Fatal(err)
		}
		if got := states(); got != [2]keypool.State{keypool.Disabled, keypool.Disabled} {
			t.Errorf("switched off in one: %v", got)
		}
		s.work(t.Context(), two, 4, 30*time.Second, endless()) // it saves its own counts meanwhile
		if n := sum(of(s, "key 1")); n > 0 {
			t.Errorf("the key that is off was used %d times", n)
		}
		<-time.After(time.Second)
		if err := two.Enable("key 1"); err != nil {
			t.Fatal(err)
		}
		if got := states(); got != [2]keypool.State{keypool.Active, keypool.Active} {
			t.Errorf("switched on in the other: %v", got)
		}
	})
}
