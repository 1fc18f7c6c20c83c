package views_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/views"
)

var named = regexp.MustCompile(`\{\w+\}`)

// places returns the arguments of a text, by number, and the names that a script fills in.
func places(text string) []string {
	var all []string
	next := 1
	for _, v := range views.Verbs(text) {
		if v == "%%" {
			continue
		}
		if at := strings.Index(v, "]"); at > 0 {
			v = v[:1] + v[at+1:]
			if _, err := fmt.Sscanf(text[strings.Index(text, "%["):], "%%[%d]", &next); err != nil {
				return []string{err.Error()}
			}
			text = text[strings.Index(text, "%[")+2:]
		}
		all = append(all, fmt.Sprint(next, v))
		next++
	}
	all = append(all, named.FindAllString(text, -1)...)
	slices.Sort(all)
	return all
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	t.Parallel()
	english := views.Files()["en"].Words
	for tag, file := range views.Files() {
		if file.Name == "" {
			t.Errorf("%s has no name for itself", tag)
		}
		for key, text := range english {
			translated, ok := file.Words[key]
			switch {
			case !ok:
				t.Errorf("%s has no word for %q", tag, key)
			case translated == "" && text != "":
				t.Errorf("%s is silent on %q", tag, key)
			case file.Words[key+".1"] != "" && strings.Contains(translated, "%d"):
				t.Errorf("%s: %q is for several, whose number comes written out", tag, key)
			case !slices.Equal(places(text), places(translated)):
				t.Errorf("%s: %q takes %v, in English %v", tag, key, places(translated), places(text))
			}
		}
		for key := range file.Words {
			if _, ok := english[key]; !ok {
				t.Errorf("%s has a word for %q, which English has not", tag, key)
			}
		}
		for format, translated := range file.Sentences {
			if !slices.Equal(places(format), places(translated)) {
				t.Errorf("%s: the sentence %q takes %v, in English %v", tag, format, places(translated), places(format))
			}
		}
	}
}

func TestASentenceFromBelowIsSaidInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	ctx, err := views.Speaking(t.Context(), []byte(`{"name": "Test", "words": {"number.decimal": ","}, "sentences": {
		"It is full.": "C’est plein.",
		"“%s” has %d pages.": "%[2]d pages dans « %[1]s ».",
		"It took too long. %s": "Trop long. %s",
		"It is at 100 %% of %q.": "100 %% de %q."
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{views.Localize(ctx, "It is full."), "C’est plein."},
		{views.Localize(ctx, "“%s” has %d pages.", "a.tif", 3), "3 pages dans « a.tif »."},
		{views.Localize(ctx, "Nobody translated %d.", 3), "Nobody translated 3."},
		{views.LocalizeText(ctx, "“a.tif” has 3 pages."), "3 pages dans « a.tif »."},
		{views.LocalizeText(ctx, "It took too long. It is full."), "Trop long. C’est plein."},
		{views.LocalizeText(ctx, `It is at 100 % of "x y".`), `100 % de "x y".`},
		{views.LocalizeText(ctx, "Nobody translated this %s."), "Nobody translated this %s."},
		{views.LocalizeText(ctx, ""), ""},
		{views.Took(ctx, 1500*time.Millisecond), "1,5 s"},
		{views.LocalizeText(t.Context(), "It is full."), "It is full."},
		{views.Language(views.WithLanguage(t.Context(), "xx")), "en"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestADayIsWrittenAsFarAsItIsNeeded(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]string{
		0: "today 09:00", 24 * time.Hour: "yesterday 09:00", 3 * 24 * time.Hour: "Saturday", 30 * 24 * time.Hour: "25 October", 365 * 24 * time.Hour: "24 November 2025",
	} {
		if got := views.Clock(t.Context(), now.Add(-ago), now); got != want {
			t.Errorf("%v ago is %q, want %q", ago, got, want)
		}
	}
}
