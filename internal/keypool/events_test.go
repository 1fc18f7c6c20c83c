package keypool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/keypool"
)

// once makes one call with the outcome o.
func once(t *testing.T, p *keypool.Pool, o keypool.Outcome) {
	t.Helper()
	l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
	if err != nil {
		t.Fatal(err)
	}
	l.Release(o)
}

func TestWhatWentWrongIsCountedByKindAndBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newService(1, 1).pool(t, 1, 1, nil)
		started := time.Now()
		for range 3 {
			once(t, p, keypool.Outcome{Class: keypool.Transport, Reason: "Torn."})
			<-time.After(time.Minute)
		}
		once(t, p, keypool.Outcome{Class: keypool.ModelOverloaded, Reason: "Overloaded."})
		once(t, p, keypool.Outcome{Class: keypool.OK})
		<-time.After(time.Minute)
		once(t, p, keypool.Outcome{Class: keypool.Transport, Reason: "Torn again."})
		got := p.Status(time.Now()).Keys[0].Failures
		want := []keypool.Failure{
			{Class: keypool.ModelOverloaded, Text: "Overloaded.", Count: 1, First: started.Add(3 * time.Minute), Last: started.Add(3 * time.Minute)},
			{Class: keypool.Transport, Text: "Torn again.", Count: 4, First: started, Last: started.Add(4 * time.Minute)},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		for _, class := range []keypool.Class{keypool.RPM, keypool.TPM, keypool.Bare429, keypool.RPD, keypool.Billing, keypool.ModelUnavailable, keypool.KeyFixable} {
			once(t, p, keypool.Outcome{Class: class})
			<-time.After(2 * time.Hour)
		}
		got = p.Status(time.Now()).Keys[0].Failures
		if len(got) != 6 || got[5].Class != keypool.KeyFixable {
			t.Errorf("kept %v", got)
		}
	})
}

func TestARestartRemembersWhatWentWrong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newService(1, 1), &memory{docs: map[string][]byte{}}
		p, stop := s.running(t, 1, 1, m)
		once(t, p, keypool.Outcome{Class: keypool.ModelOverloaded})
		once(t, p, keypool.Outcome{Class: keypool.ModelOverloaded})
		before := p.Status(time.Now()).Keys[0].Failures
		stop()
		q, stop := s.running(t, 2, 1, m)
		defer stop()
		if got := q.Status(time.Now()).Keys[0].Failures; len(got) != 1 || got[0].Count != 2 || !got[0].Last.Equal(before[0].Last) {
			t.Errorf("remembers %v, was %v", got, before)
		}
		once(t, q, keypool.Outcome{Class: keypool.ModelOverloaded})
		if got := q.Status(time.Now()).Keys[0].Failures; got[0].Count != 3 {
			t.Errorf("counts on from %v", got)
		}
	})
}

func TestCallsAreTalliedByTenSecondsForTenMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // begins at midnight, on the edge of a ten-second slot
		p := newService(1, 1).pool(t, 1, 1, nil)
		if got := p.Status(time.Now()).Keys[0].Lately; got != nil {
			t.Errorf("before the first call: %v", got)
		}
		once(t, p, keypool.Outcome{Class: keypool.OK})
		once(t, p, keypool.Outcome{Class: keypool.ModelOverloaded})
		once(t, p, keypool.Outcome{Class: keypool.BadAnswer}) // the model's affair
		once(t, p, keypool.Outcome{Class: keypool.Canceled})
		<-time.After(keypool.TallyEvery)
		once(t, p, keypool.Outcome{Class: keypool.OK})
		got := p.Status(time.Now()).Keys[0].Lately
		if len(got) != keypool.TallySlots || got[58] != (keypool.Tally{Good: 1, Bad: 1}) || got[59] != (keypool.Tally{Good: 1}) || got[0] != (keypool.Tally{}) {
			t.Errorf("got %v", got)
		}
		<-time.After((keypool.TallySlots - 1) * keypool.TallyEvery)
		if got = p.Status(time.Now()).Keys[0].Lately; got[0] != (keypool.Tally{Good: 1}) || got[59] != (keypool.Tally{}) {
			t.Errorf("nearly ten minutes later: %v", got)
		}
		<-time.After(keypool.TallyEvery)
		if got = p.Status(time.Now()).Keys[0].Lately; got != nil {
			t.Errorf("ten minutes later: %v", got)
		}
	})
}

func TestAKeyWhoseRestIsOverIsDueAndCountsAsReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newService(1, 1).pool(t, 1, 1, nil)
		once(t, p, keypool.Outcome{Class: keypool.Billing})
		if st := p.Status(time.Now()); st.Ready != 0 || st.Keys[0].Due || st.Next.IsZero() {
			t.Errorf("while it rests: %+v", st)
		}
		<-time.After(time.Hour)
		if st := p.Status(time.Now()); st.Ready != 1 || !st.Keys[0].Due || !st.Next.IsZero() {
			t.Errorf("when its rest is over: %+v", st)
		}
		if err := p.Disable("key 1"); err != nil {
			t.Fatal(err)
		}
		if st := p.Status(time.Now()); st.Ready != 0 || st.Keys[0].Due {
			t.Errorf("switched off: %+v", st)
		}
	})
}

func TestWhoWatchesHasAWordAfterEachChangeAndNoneWithout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newService(1, 2).pool(t, 1, 2, nil)
		word := func() bool {
			select {
			case <-p.Changes():
				return true
			default:
				return false
			}
		}
		if word() {
			t.Error("a word before anything happened")
		}
		l, err := p.Acquire(t.Context(), keypool.Want{Model: model})
		if err != nil {
			t.Fatal(err)
		}
		for what, change := range map[string]func(){
			"a call that ended": func() { l.Release(keypool.Outcome{Class: keypool.OK}) },
			"an added key":      func() { p.Add(keypool.Key{Label: "new", Secret: keypool.NewSecret("new")}) },
			"switched off":      func() { _ = p.Disable("key 1") },
			"given up": func() {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, _ = p.Acquire(ctx, keypool.Want{Model: model})
			},
		} {
			word()
			change()
			if !word() {
				t.Errorf("no word of %s", what)
			}
		}
		p.Status(time.Now())
		if word() {
			t.Error("looking is no change")
		}
	})
}

func TestAKeyIsWrittenDownAsItIsReadAgain(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"AQ.x": "Änne@:AQ.x", "Ann@shop:a:b@c": "Ann@shop:a:b@c", "key 7@:AIza": "key 7@:AIza", "#x": "Änne@:#x",
	} {
		k, err := keypool.ParseKey(given, 0)
		if err != nil {
			t.Fatal(err)
		}
		if k.Label == "" {
			k.Label = "Änne"
		}
		if line, err := k.Line(); line != want || err != nil {
			t.Errorf("%q is written %q, %v; want %q", given, line, err, want)
		}
	}
	for _, k := range []keypool.Key{
		{Label: "", Secret: keypool.NewSecret("x")}, {Label: "Ann@home", Secret: keypool.NewSecret("x")}, {Label: "Ann", Project: "a b", Secret: keypool.NewSecret("x")},
		{Label: "Ann", Secret: keypool.NewSecret("x\ny")}, {Label: "Ann\n", Secret: keypool.NewSecret("x")}, {Label: strings.Repeat("a", 41), Secret: keypool.NewSecret("x")},
		{Label: "Ann", Secret: keypool.NewSecret("x\x00y")},
	} {
		if line, err := k.Line(); !errors.Is(err, keypool.ErrForm) || line != "" {
			t.Errorf("%q became %q", k.Label, line)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("Ann", "shop", "AQ.x")
	f.Add("key 7", "", "a:b@c:d")
	f.Fuzz(func(t *testing.T, label, project, value string) {
		k := keypool.Key{Label: label, Project: project, Secret: keypool.NewSecret(value)}
		line, err := k.Line()
		if err != nil {
			return
		}
		again, err := keypool.ParseKey(line, 3)
		if err != nil || again.Label != label || again.Project != project || again.Secret.Reveal() != value || strings.ContainsAny(line, "\r\n") || strings.HasPrefix(line, "#") {
			t.Errorf("%q was written and read as something else", label)
		}
	})
}

func TestALabelThatIsTakenGetsANumber(t *testing.T) {
	t.Parallel()
	p := keypool.New(nil, keypool.Options{})
	for value, want := range []string{"Ann", "Ann 2", "Ann 3"} {
		if label, added := p.Add(keypool.Key{Label: "Ann", Secret: keypool.NewSecret(fmt.Sprint(value))}); label != want || !added {
			t.Errorf("called %q, want %q", label, want)
		}
	}
	if label, _ := p.Add(keypool.Key{Secret: keypool.NewSecret("x")}); label != "key 4" {
		t.Errorf("the fourth key is called %q", label)
	}
}

func TestWhatAKeyAnsweredIsCountedWithoutWhatWasNotItsDoing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newService(1, 1).pool(t, 1, 1, nil)
		for _, c := range []keypool.Class{keypool.OK, keypool.Blocked, keypool.ImageFault, keypool.Canceled, keypool.ModelOverloaded} {
			once(t, p, keypool.Outcome{Class: c})
		}
		if k := p.Status(time.Now()).Keys[0]; k.Calls != 5 || k.Ended != 2 || k.Good != 1 {
			t.Errorf("%d calls, %d counted, %d good", k.Calls, k.Ended, k.Good)
		}
	})
}
