package keypool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"sheetlift/internal/keypool"
)

func TestAKeyIsGivenBareOrWithLabelAndProject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]string{
		"AQ.abc":             {"key 7", "", "AQ.abc"},
		"  AIzaSy \n":        {"key 7", "", "AIzaSy"},
		"Office@shop-1:AQ.x": {"Office", "shop-1", "AQ.x"},
		"Key of Ann@p:a:b@c": {"Key of Ann", "p", "a:b@c"},
		"a:b":                {"key 7", "", "a:b"},
		"a@b":                {"key 7", "", "a@b"},
		"@p:x":               {"key 7", "", "@p:x"},
		"x@y z:k":            {"key 7", "", "x@y z:k"},
		"日本":                 {"key 7", "", "日本"},
	} {
		k, err := keypool.ParseKey(text, 7)
		if got := [3]string{k.Label, k.Project, k.Secret.Reveal()}; err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, blank := range []string{"", " \t\r\n", "a@b:  "} {
		if _, err := keypool.ParseKey(blank, 1); blank != "a@b:  " && !errors.Is(err, keypool.ErrBlank) {
			t.Errorf("%q: got %v", blank, err)
		}
	}
}

func TestAKeyThatNoRequestCanCarryIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"AQ.\x00x", "Ann@shop:AQ.x\x1b", "two\nlines", "\xff\xfeA\x00Q\x00"} {
		if k, err := keypool.ParseKey(text, 1); !errors.Is(err, keypool.ErrCharacter) || k.Secret.Reveal() != "" {
			t.Errorf("%q became a key, %v", text, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("label@project:KEY", 1)
	f.Add("a@b: \x00", 0)
	f.Fuzz(func(t *testing.T, text string, n int) {
		k, err := keypool.ParseKey(text, n)
		switch {
		case err == nil && (strings.TrimSpace(k.Secret.Reveal()) == "" || k.Label == ""):
			t.Errorf("%q became a key without a value or a label", text)
		case err != nil && strings.TrimSpace(text) != "" && !strings.Contains(text, "@") && !strings.ContainsFunc(text, unicode.IsControl):
			t.Errorf("%q is not blank and was refused", text)
		case err != nil && text != "" && len(text) > 3 && strings.Contains(err.Error(), text):
			t.Errorf("the error shows the key")
		}
	})
}

func TestNoValueIsEverPrinted(t *testing.T) {
	t.Parallel()
	const canary = "canary-91f2"
	k, err := keypool.ParseKey("Ann@p:"+canary, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := keypool.New([]keypool.Key{k}, keypool.Options{Secret: []byte("0123456789abcdef")})
	l, err := p.Acquire(context.Background(), keypool.Want{Model: model})
	if err != nil {
		t.Fatal(err)
	}
	l.Release(keypool.Outcome{Class: keypool.KeyDead, Reason: "refused"})
	status := p.Status(time.Now())
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{k, &k, k.Secret, &k.Secret, p, l, status, status.Keys[0], keypool.Options{}, struct{ K keypool.Key }{k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, v)
		}
		if doc, err := json.Marshal(v); err == nil {
			out.Write(doc)
		}
		log.Info("x", "v", v)
	}
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
		t.Error("the value of a key was printed")
	}
}

func TestAWaiterThatGivesUpTakesNoKeyWithIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(1, 1)
		p := s.pool(t, 1, 1, nil)
		var held []*keypool.Lease
		for range 8 { // the concurrency of a key that has not answered yet and takes over for others
			l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, l)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Acquire(ctx, keypool.Want{Model: model}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		for _, l := range held {
			l.Release(keypool.Outcome{Class: keypool.OK})
			l.Release(keypool.Outcome{Class: keypool.KeyDead}) // only the first counts
		}
		if st := p.Status(time.Now()); st.Waiting != 0 || st.Keys[0].Running != 0 || st.Keys[0].State != keypool.Active {
			t.Errorf("got %+v", st)
		}
	})
}

func TestWithoutUsableKeysNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		empty := keypool.New(nil, keypool.Options{})
		if _, err := empty.Acquire(t.Context(), keypool.Want{Model: model}); !errors.Is(err, keypool.ErrNoKeys) {
			t.Errorf("an empty pool: %v", err)
		}
		s := newService(1, 2)
		p := s.pool(t, 1, 2, nil)
		for range 2 {
			l, err := p.Acquire(t.Context(), keypool.Want{Model: "none"})
			if err != nil {
				t.Fatal(err)
			}
			l.Release(keypool.Outcome{Class: keypool.ModelUnavailable})
		}
		if _, err := p.Acquire(t.Context(), keypool.Want{Model: "none"}); !errors.Is(err, keypool.ErrModelUnavailable) {
			t.Errorf("a model that no key has: %v", err)
		}
		if l, err := p.Acquire(t.Context(), keypool.Want{Model: model}); err != nil {
			t.Errorf("another model: %v", err)
		} else {
			l.Release(keypool.Outcome{Class: keypool.Canceled})
		}
		for _, label := range []string{"key 1", "key 2"} {
			if err := p.Disable(label); err != nil {
				t.Error(err)
			}
		}
		if _, err := p.Acquire(t.Context(), keypool.Want{Model: model}); !errors.Is(err, keypool.ErrNoKeys) {
			t.Errorf("all switched off: %v", err)
		}
	})
}

func TestAReadFileKeepsWhatIsKnownOfKeysThatStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(1, 2)
		p := s.pool(t, 1, 2, nil)
		l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
		if err != nil {
			t.Fatal(err)
		}
		dead := l.Label()
		l.Release(keypool.Outcome{Class: keypool.KeyDead, Reason: "Refused."})
		var keys []keypool.Key
		for _, v := range []string{"value-1", "value-2", "value-9"} {
			k, err := keypool.ParseKey(v, len(keys)+1)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		p.Replace(keys)
		st := p.Status(time.Now())
		if len(st.Keys) != 3 || st.Ready != 2 {
			t.Errorf("%d keys, %d ready", len(st.Keys), st.Ready)
		}
		for _, k := range st.Keys {
			if (k.Label == dead) != (k.State == keypool.Quarantined) {
				t.Errorf("%s is %s", k.Label, k.State)
			}
		}
		p.Replace(keys[2:])
		if p.Len() != 1 {
			t.Errorf("%d keys are left", p.Len())
		}
	})
}

// For any sequence of outcomes of any keys, no lease is lost, no unavailable key is issued, and Acquire never
// hangs.
func TestAnySequenceOfOutcomesLeavesThePoolSound(t *testing.T) {
	t.Parallel()
	classes := []keypool.Class{
		keypool.OK, keypool.BadAnswer, keypool.Blocked, keypool.ImageFault, keypool.Canceled, keypool.RPM, keypool.TPM, keypool.RPD,
		keypool.TPD, keypool.Bare429, keypool.Billing, keypool.ModelUnavailable, keypool.KeyDead, keypool.KeyFixable,
		keypool.ModelOverloaded, keypool.Transport, keypool.Region, keypool.Spend, keypool.Foreign, keypool.Request, keypool.TooLarge,
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "keys")
		steps := rapid.SliceOfN(rapid.SampledFrom(classes), 1, 60).Draw(rt, "outcomes")
		waits := rapid.SliceOfN(rapid.IntRange(0, 200), len(steps), len(steps)).Draw(rt, "seconds between")
		synctest.Test(t, func(t *testing.T) {
			s := newService(1, n)
			p := s.pool(t, 1, n, nil)
			dead := map[string]bool{}
			for i, class := range steps {
				ctx, cancel := context.WithTimeout(t.Context(), 48*time.Hour)
				want := keypool.Want{Model: model, Group: fmt.Sprint(i % 3), Retry: i%4 == 0}
				l, err := p.Acquire(ctx, want)
				if cooldown, ok := errors.AsType[*keypool.CooldownError](err); ok && !cooldown.Until.IsZero() {
					<-time.After(time.Until(cooldown.Until) + time.Millisecond) // the announced time must be true
					l, err = p.Acquire(ctx, want)
				}
				cancel()
				if err != nil {
					if len(dead) < n && !errors.Is(err, keypool.ErrModelUnavailable) {
						rt.Fatalf("step %d (%s): %v although %d of %d keys are alive", i, class, err, n-len(dead), n)
					}
					continue
				}
				if dead[l.Label()] {
					rt.Fatalf("step %d: %s is dead and was issued", i, l.Label())
				}
				l.Release(keypool.Outcome{Class: class, Limit: int64(i % 3 * 10), RetryAfter: time.Duration(i%7) * time.Second, Took: time.Second})
				if class == keypool.KeyDead {
					dead[l.Label()] = true
				}
				<-time.After(time.Duration(waits[i]) * time.Second)
			}
			for _, k := range p.Status(time.Now()).Keys {
				if k.Running != 0 || k.AtOnce < 1 || k.AtOnce > 32 {
					rt.Fatalf("%s: %d running, %d at once", k.Label, k.Running, k.AtOnce)
				}
			}
		})
	})
}

// While all keys cool down for long, Acquire returns the reason and the time. While one is back within 90 seconds,
// Acquire waits.
func TestWhenAllKeysRestForLongItIsSaidWhyAndUntilWhen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcomes []keypool.Outcome // of the two keys, one after the other until both cool down
		want     keypool.Class
		known    bool // it resumes by itself at a known time
	}{
		"both days used up": {[]keypool.Outcome{{Class: keypool.RPD}, {Class: keypool.RPD}, {Class: keypool.RPD}, {Class: keypool.RPD}}, keypool.RPD, true},
		"both dead":         {[]keypool.Outcome{{Class: keypool.KeyDead}, {Class: keypool.KeyDead}}, keypool.KeyDead, false},
		"dead and no money": {[]keypool.Outcome{{Class: keypool.KeyDead}, {Class: keypool.Billing}}, keypool.Billing, true},
		"a wrong setting":   {[]keypool.Outcome{{Class: keypool.KeyFixable}, {Class: keypool.KeyFixable}}, keypool.KeyFixable, true},
		"a login page":      {[]keypool.Outcome{{Class: keypool.Foreign}, {Class: keypool.Foreign}}, keypool.Foreign, true},
		"both spent":        {[]keypool.Outcome{{Class: keypool.Spend}, {Class: keypool.Spend}}, keypool.Spend, true},
		"the wrong place":   {[]keypool.Outcome{{Class: keypool.Region}}, keypool.Region, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newService(1, 2).pool(t, 1, 2, nil)
				for _, o := range c.outcomes {
					if _, cooling := p.Cooldown(model); cooling {
						t.Fatal("it cooling while a key may be used")
					}
					l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
					if err != nil {
						t.Fatal(err)
					}
					l.Release(o)
				}
				_, err := p.Acquire(t.Context(), keypool.Want{Model: model})
				cooldown, ok := errors.AsType[*keypool.CooldownError](err)
				if !ok || cooldown.Class != c.want || cooldown.Until.IsZero() == c.known {
					t.Fatalf("error %v", err)
				}
				if !c.known {
					return
				}
				<-time.After(time.Until(cooldown.Until) + time.Millisecond)
				if _, cooling := p.Cooldown(model); cooling {
					t.Error("it still cooling when its time has come")
				}
				l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
				if err != nil {
					t.Fatal(err)
				}
				l.Release(keypool.Outcome{Class: keypool.OK})
				if l, err = p.Acquire(t.Context(), keypool.Want{Model: model}); err != nil {
					t.Errorf("after a good call: %v", err)
				} else {
					l.Release(keypool.Outcome{Class: keypool.OK})
				}
			})
		})
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	for _, n := range []int{6, 60} {
		b.Run(fmt.Sprintf("%d keys", n), func(b *testing.B) {
			var keys []keypool.Key
			for i := range n {
				k, err := keypool.ParseKey(fmt.Sprintf("v-%d", i), i+1)
				if err != nil {
					b.Fatal(err)
				}
				keys = append(keys, k)
			}
			p := keypool.New(keys, keypool.Options{Rand: rand.New(rand.NewPCG(1, 2))})
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				l, err := p.Acquire(ctx, keypool.Want{Model: model, Group: "a"})
				if err != nil {
					b.Fatal(err)
				}
				l.Release(keypool.Outcome{Class: keypool.OK, Took: time.Second})
			}
		})
	}
}

func TestASwitchedOffKeyStaysOffWhateverItsRunningCallComesTo(t *testing.T) {
	t.Parallel()
	for _, class := range []keypool.Class{keypool.OK, keypool.KeyDead, keypool.KeyFixable, keypool.Billing, keypool.Bare429, keypool.RPM, keypool.RPD} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := keypool.New([]keypool.Key{{Label: "key 1", Secret: keypool.NewSecret("one")}}, keypool.Options{
					Probe: func(context.Context, keypool.Key) keypool.Outcome { return keypool.Outcome{Class: class} },
				})
				l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Disable("key 1"); err != nil {
					t.Fatal(err)
				}
				l.Release(keypool.Outcome{Class: class})
				if _, err := p.Test(t.Context(), "key 1"); err != nil {
					t.Fatal(err)
				}
				<-time.After(2 * time.Hour)
				if _, err := p.Acquire(t.Context(), keypool.Want{Model: model}); !errors.Is(err, keypool.ErrNoKeys) {
					t.Errorf("it was issued: %v", err)
				}
				if state := p.Status(time.Now()).Keys[0].State; state != keypool.Disabled {
					t.Errorf("it is %s", state)
				}
			})
		})
	}
}

func TestAKeyThatTheFileHasTooBelongsToTheFile(t *testing.T) {
	t.Parallel()
	file := []keypool.Key{{Label: "key 1", Secret: keypool.NewSecret("one")}}
	p := keypool.New(file, keypool.Options{})
	if label, added := p.Add(keypool.Key{Label: "again", Secret: keypool.NewSecret("one")}); label != "key 1" || added {
		t.Errorf("it is %s, added: %t", label, added)
	}
	p.Replace(nil)
	if p.Len() != 0 {
		t.Error("it stayed though its file has it no more")
	}
	if _, added := p.Add(file[0]); !added {
		t.Error("a new one was not added")
	}
	p.Replace(nil)
	if p.Len() != 1 {
		t.Error("a key that was added by hand went with the file")
	}
	p.Replace(file)
	p.Replace(nil)
	if p.Len() != 0 {
		t.Error("it stayed though its file had it and has it no more")
	}
}

func TestALabelIsFitToBeShownAndNeverTheKeyItself(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"Ann": "Ann", " two\nlines\t": "two lines", "broken\xff text": "broken text", "\x00\x1b": "key 1",
		strings.Repeat("é", 70): strings.Repeat("é", 60), "the-value": "key 1", "Ann the-value": "key 1", "": "key 1",
	} {
		p := keypool.New(nil, keypool.Options{})
		if label, _ := p.Add(keypool.Key{Label: typed, Secret: keypool.NewSecret("the-value")}); label != want {
			t.Errorf("%q became %q, want %q", typed, label, want)
		}
	}
	p := keypool.New(nil, keypool.Options{})
	for i, typed := range []string{"a\xff", "a\xfe"} {
		p.Add(keypool.Key{Label: typed, Secret: keypool.NewSecret(string(rune('x' + i)))})
	}
	if s := p.Status(time.Now()); s.Keys[0].Label == s.Keys[1].Label {
		t.Errorf("two keys are called %q", s.Keys[0].Label)
	}
}
