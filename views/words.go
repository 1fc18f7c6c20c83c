package views

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Every text that a person reads stands in one file for each language, words/<tag>.json: words by key, for the pages,
// and sentences by their English, for what comes from below (errors, reasons, doubts), which is written in English
// where it arises. A text with a number has a form for one (".1") and one for the others. A new language is a new file.

//go:embed words/*.json
var wordFiles embed.FS

// mother is the language of whatever another one has no words for.
const mother = "en"

// tongue is one language.
type tongue struct {
	tag       string
	name      string // in itself
	zeroIsOne bool   // its form for one serves for none as well
	words     map[string]string
	sentences map[string]string // by their English format
	patterns  []pattern
}

// pattern finds the English sentences of one format among those that were put together already.
type pattern struct {
	english    *regexp.Regexp
	begin, end string // of every sentence that it finds: most others are told apart by these
	places     []place
	format     string // the translation
}

// place is where something is put into a format.
type place struct {
	verb   byte
	quoted bool // between quotes of the format: what stands there is a person's own words
}

func newPattern(english, format string) pattern {
	p := pattern{english: sentencePattern(english), places: placesOf(english), format: format}
	if at := verb.FindAllStringIndex(english, -1); !strings.Contains(english, "%%") {
		p.begin, p.end = english[:at[0][0]], english[at[len(at)-1][1]:]
	}
	return p
}

// find returns what stands in the places of the format in a sentence, nil if it is not of this format.
func (p *pattern) find(sentence string) []string {
	if !strings.HasPrefix(sentence, p.begin) || !strings.HasSuffix(sentence, p.end) {
		return nil
	}
	return p.english.FindStringSubmatch(sentence)
}

// tongues is the table of languages by tag, read once. The files are in the binary and a test has read them, so one
// that cannot be read is a programmer's fault.
var tongues = sync.OnceValue(func() map[string]*tongue {
	files, err := wordFiles.ReadDir("words")
	if err != nil {
		panic(err)
	}
	all := map[string]*tongue{}
	for _, f := range files {
		data, err := wordFiles.ReadFile("words/" + f.Name())
		if err != nil {
			panic(err)
		}
		t, err := readTongue(data)
		if err != nil {
			panic(f.Name() + ": " + err.Error())
		}
		t.tag = strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		all[t.tag] = t
	}
	return all
})

func readTongue(data []byte) (*tongue, error) {
	var file struct {
		Name      string            `json:"name"`
		ZeroIsOne bool              `json:"zeroIsOne"`
		Words     map[string]string `json:"words"`
		Sentences map[string]string `json:"sentences"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	t := &tongue{name: file.Name, zeroIsOne: file.ZeroIsOne, words: file.Words, sentences: file.Sentences}
	for english, format := range file.Sentences {
		if strings.Contains(english, "%") {
			t.patterns = append(t.patterns, newPattern(english, format))
		}
	}
	// The longer one knows more of what it matches.
	slices.SortFunc(t.patterns, func(a, b pattern) int {
		return len(b.english.String()) - len(a.english.String())
	})
	return t, nil
}

// placesOf lists the places of a format in their order.
func placesOf(format string) []place {
	var all []place
	for _, at := range verb.FindAllStringIndex(format, -1) {
		if v := format[at[1]-1]; v != '%' {
			all = append(all, place{v, strings.HasSuffix(format[:at[0]], "“")})
		}
	}
	return all
}

var verb = regexp.MustCompile(`%(?:\[\d+\])?[-+# 0]*[0-9.]*[a-zA-Z%]`)

// sentencePattern turns a format into what its sentences look like.
func sentencePattern(format string) *regexp.Regexp {
	var b strings.Builder
	from := 0
	for _, at := range verb.FindAllStringIndex(format, -1) {
		b.WriteString(regexp.QuoteMeta(format[from:at[0]]))
		switch format[at[1]-1] {
		case '%':
			b.WriteString("%")
		case 'd':
			b.WriteString(`(-?\d+)`)
		default:
			b.WriteString("(.*?)")
		}
		from = at[1]
	}
	b.WriteString(regexp.QuoteMeta(format[from:]))
	return regexp.MustCompile("(?s)^" + b.String() + "$")
}

type languageKey struct{}

// WithLanguage returns a context whose pages speak the language with this tag, such as "fr"; English if there is none.
func WithLanguage(ctx context.Context, tag string) context.Context {
	t, ok := tongues()[tag]
	if !ok {
		t = tongues()[mother]
	}
	return context.WithValue(ctx, languageKey{}, t)
}

// Language is the tag of the language that pages speak in this context.
func Language(ctx context.Context) string { return speech(ctx).tag }

// Languages are the tags of all languages there are; English comes first, the others by tag.
func Languages() []string {
	tags := []string{mother}
	for tag := range tongues() {
		if tag != mother {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags[1:])
	return tags
}

func speech(ctx context.Context) *tongue {
	if t, ok := ctx.Value(languageKey{}).(*tongue); ok {
		return t
	}
	return tongues()[mother]
}

// Say is say, for sentences that are put together elsewhere.
func Say(ctx context.Context, key string, args ...any) string { return say(ctx, key, args...) }

// say returns the text of a key with its arguments put in. An unknown key shows itself; a test finds those.
func say(ctx context.Context, key string, args ...any) string {
	text, ok := word(ctx, key)
	switch {
	case !ok:
		return key
	case len(args) == 0:
		return text
	default:
		return fmt.Sprintf(text, args...)
	}
}

func word(ctx context.Context, key string) (string, bool) {
	if text, ok := speech(ctx).words[key]; ok {
		return text, true
	}
	text, ok := tongues()[mother].words[key]
	return text, ok
}

// many returns the text of a key for n things: its form for one, or the other with n put in where it has a place.
func many(ctx context.Context, key string, n int) string {
	if n == 1 || n == 0 && speech(ctx).zeroIsOne {
		if text, ok := word(ctx, key+".1"); ok {
			return strings.Replace(text, "1", strconv.Itoa(n), 1)
		}
	}
	if text, _ := word(ctx, key); strings.Contains(text, "%") {
		return say(ctx, key, number(ctx, n))
	}
	return say(ctx, key)
}

// Tell says a sentence from below in the language of the context: format is its English, as it stands in the source,
// with its arguments. What has no translation stays English.
func Tell(ctx context.Context, format string, args ...any) string {
	translated, ok := speech(ctx).sentences[format]
	if !ok {
		return fmt.Sprintf(format, args...)
	}
	told, places := slices.Clone(args), placesOf(format)
	for i, arg := range told {
		text, ok := arg.(string)
		switch {
		case !ok || i >= len(places):
		case places[i].verb == 'q':
			told[i] = say(ctx, "quoted", text)
		default:
			told[i] = put(ctx, places[i], text)
		}
	}
	return fmt.Sprintf(quote.ReplaceAllString(translated, "%${1}s"), told...)
}

var (
	quote     = regexp.MustCompile(`%(\[\d+\])?q`)
	thousands = regexp.MustCompile(`^\d{1,3}(,\d{3})+$`)
	sizes     = regexp.MustCompile(`^(\d+(?:\.\d+)?) ([KMG]?B)$`)
)

// put is what stands in a place of an English sentence, as the language writes it: a quotation, a number, a size, or a
// sentence that another one closes with.
func put(ctx context.Context, p place, text string) string {
	if p.quoted {
		return text
	}
	if inner, ok := strings.CutPrefix(text, "“"); ok && strings.HasSuffix(inner, "”") {
		return say(ctx, "quoted", strings.TrimSuffix(inner, "”"))
	}
	if p.verb == 'q' {
		if inner, err := strconv.Unquote(text); err == nil {
			return say(ctx, "quoted", inner)
		}
		return text
	}
	if thousands.MatchString(text) {
		return strings.ReplaceAll(text, ",", say(ctx, "number.thousands"))
	}
	if m := sizes.FindStringSubmatch(text); m != nil {
		return strings.Replace(m[1], ".", say(ctx, "number.decimal"), 1) + " " + say(ctx, "size."+strings.ToLower(m[2]))
	}
	return Retell(ctx, text)
}

// Book says a word of the workbook, or a sentence in it, that is English where it arises.
func Book(ctx context.Context, english string) string {
	if text, ok := word(ctx, "book."+strings.ReplaceAll(strings.ToLower(strings.Trim(english, ".")), " ", ".")); ok {
		return text
	}
	return Retell(ctx, english)
}

// Retell is Tell for an English sentence that was put together, and perhaps stored, earlier.
func Retell(ctx context.Context, sentence string) string {
	t := speech(ctx)
	if translated, ok := t.sentences[sentence]; ok || len(t.patterns) == 0 {
		if !ok {
			return sentence
		}
		return translated
	}
	for _, p := range t.patterns {
		found := p.find(sentence)
		if found == nil {
			continue
		}
		args := make([]any, 0, len(found)-1)
		for i, arg := range found[1:] {
			args = append(args, put(ctx, p.places[i], arg))
		}
		return fmt.Sprintf(asText(p.format), args...)
	}
	return sentence
}

// asText makes every verb of a format one for text: what was found in a sentence is text already, quotes and all.
func asText(format string) string {
	return verb.ReplaceAllStringFunc(format, func(v string) string {
		if v == "%%" {
			return v
		}
		index := ""
		if i := strings.Index(v, "]"); i > 0 {
			index = v[1 : i+1]
		}
		return "%" + index + "s"
	})
}
