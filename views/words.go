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

// All texts for people are in one file for each language, words/<tag>.json: words by key for the pages, and sentences by their
// English text for messages from lower layers (errors, reasons, issues), which are English in the source. A text with a number
// has one form for one (".1") and one for the others. A new language is a new file.

//go:embed words/*.json
var wordFiles embed.FS

// fallback is the fallback for texts that a language does not have.
const fallback = "en"

// language is one language.
type language struct {
	tag       string
	name      string // in the language itself
	zeroIsOne bool   // the form for one is also used for zero
	words     map[string]string
	sentences map[string]string // by their English format
	patterns  []pattern
}

// pattern recognizes English sentences that were formatted earlier from one format.
type pattern struct {
	english    *regexp.Regexp
	begin, end string // common start and end of its sentences: a cheap test that rejects most others
	args       []formatArg
	format     string // the translation
}

// formatArg is the position of an argument in a format.
type formatArg struct {
	verb   byte
	quoted bool // between quotation marks in the format: the argument is text by a person
}

func newPattern(english, format string) pattern {
	p := pattern{english: sentencePattern(english), args: argsOf(english), format: format}
	if at := verb.FindAllStringIndex(english, -1); !strings.Contains(english, "%%") {
		p.begin, p.end = english[:at[0][0]], english[at[len(at)-1][1]:]
	}
	return p
}

// find returns the arguments of the format in a sentence, nil if the sentence has another format.
func (p *pattern) find(sentence string) []string {
	if !strings.HasPrefix(sentence, p.begin) || !strings.HasSuffix(sentence, p.end) {
		return nil
	}
	return p.english.FindStringSubmatch(sentence)
}

// languages returns the languages by tag, loaded once. The files are embedded and tested, so that an unreadable one is a
// programmer error.
var languages = sync.OnceValue(func() map[string]*language {
	files, err := wordFiles.ReadDir("words")
	if err != nil {
		panic(err)
	}
	all := map[string]*language{}
	for _, f := range files {
		data, err := wordFiles.ReadFile("words/" + f.Name())
		if err != nil {
			panic(err)
		}
		t, err := readLanguage(data)
		if err != nil {
			panic(f.Name() + ": " + err.Error())
		}
		t.tag = strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		all[t.tag] = t
	}
	return all
})

func readLanguage(data []byte) (*language, error) {
	var file struct {
		Name      string            `json:"name"`
		ZeroIsOne bool              `json:"zeroIsOne"`
		Words     map[string]string `json:"words"`
		Sentences map[string]string `json:"sentences"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	t := &language{name: file.Name, zeroIsOne: file.ZeroIsOne, words: file.Words, sentences: file.Sentences}
	for english, format := range file.Sentences {
		if strings.Contains(english, "%") {
			t.patterns = append(t.patterns, newPattern(english, format))
		}
	}
	// Longer patterns first: they are more specific.
	slices.SortFunc(t.patterns, func(a, b pattern) int {
		return len(b.english.String()) - len(a.english.String())
	})
	return t, nil
}

// argsOf returns the arguments of a format in order.
func argsOf(format string) []formatArg {
	var all []formatArg
	for _, at := range verb.FindAllStringIndex(format, -1) {
		if v := format[at[1]-1]; v != '%' {
			all = append(all, formatArg{v, strings.HasSuffix(format[:at[0]], "“")})
		}
	}
	return all
}

var verb = regexp.MustCompile(`%(?:\[\d+\])?[-+# 0]*[0-9.]*[a-zA-Z%]`)

// sentencePattern turns a format into a pattern for its sentences.
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

// WithLanguage returns a context whose pages use the language with this tag, such as "fr"; English if there is none.
func WithLanguage(ctx context.Context, tag string) context.Context {
	t, ok := languages()[tag]
	if !ok {
		t = languages()[fallback]
	}
	return context.WithValue(ctx, languageKey{}, t)
}

// Language returns the tag of the language of this context.
func Language(ctx context.Context) string { return languageOf(ctx).tag }

// Languages returns the tags of all languages: English first, the others sorted.
func Languages() []string {
	tags := []string{fallback}
	for tag := range languages() {
		if tag != fallback {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags[1:])
	return tags
}

func languageOf(ctx context.Context) *language {
	if t, ok := ctx.Value(languageKey{}).(*language); ok {
		return t
	}
	return languages()[fallback]
}

// T returns the text of a key with its arguments. An unknown key is returned as is; a test finds those.
func T(ctx context.Context, key string, args ...any) string {
	text, ok := word(ctx, key)
	switch {
	case !ok:
		return key
	case len(args) == 0:
		return text
	default:
		return fmt.Sprintf(text, isolated(args)...)
	}
}

func word(ctx context.Context, key string) (string, bool) {
	if text, ok := languageOf(ctx).words[key]; ok {
		return text, true
	}
	text, ok := languages()[fallback].words[key]
	return text, ok
}

// many returns the text of a key for n things: the form for one, or the other form with n as its argument.
func many(ctx context.Context, key string, n int) string {
	if n == 1 || n == 0 && languageOf(ctx).zeroIsOne {
		if text, ok := word(ctx, key+".1"); ok {
			return strings.Replace(text, "1", strconv.Itoa(n), 1)
		}
	}
	if text, _ := word(ctx, key); strings.Contains(text, "%") {
		return T(ctx, key, number(ctx, n))
	}
	return T(ctx, key)
}

// Localize translates a sentence from a lower layer: format is its English text in the source, with its arguments. Without a
// translation it stays English.
func Localize(ctx context.Context, format string, args ...any) string {
	translated, ok := languageOf(ctx).sentences[format]
	if !ok {
		return fmt.Sprintf(format, args...)
	}
	told, places := slices.Clone(args), argsOf(format)
	for i, arg := range told {
		text, ok := arg.(string)
		switch {
		case !ok || i >= len(places):
		case places[i].verb == 'q':
			told[i] = T(ctx, "quoted", text)
		default:
			told[i] = localizeArg(ctx, places[i], text)
		}
	}
	return fmt.Sprintf(quote.ReplaceAllString(translated, "%${1}s"), told...)
}

var (
	quote     = regexp.MustCompile(`%(\[\d+\])?q`)
	thousands = regexp.MustCompile(`^\d{1,3}(,\d{3})+$`)
	sizes     = regexp.MustCompile(`^(\d+(?:\.\d+)?) ([KMG]?B)$`)
)

// localizeArg formats an argument of an English sentence in the target language: a quotation, a number, a size, or a sentence at the
// end of another one.
func localizeArg(ctx context.Context, p formatArg, text string) string {
	if p.quoted {
		return text
	}
	if inner, ok := strings.CutPrefix(text, "“"); ok && strings.HasSuffix(inner, "”") {
		return T(ctx, "quoted", strings.TrimSuffix(inner, "”"))
	}
	if p.verb == 'q' {
		if inner, err := strconv.Unquote(text); err == nil {
			return T(ctx, "quoted", inner)
		}
		return text
	}
	if thousands.MatchString(text) {
		return strings.ReplaceAll(text, ",", T(ctx, "number.thousands"))
	}
	if m := sizes.FindStringSubmatch(text); m != nil {
		return strings.Replace(m[1], ".", T(ctx, "number.decimal"), 1) + " " + T(ctx, "size."+strings.ToLower(m[2]))
	}
	return LocalizeText(ctx, text)
}

// Book translates a word or sentence of the workbook, which is English in the source.
func Book(ctx context.Context, english string) string {
	if text, ok := word(ctx, "book."+strings.ReplaceAll(strings.ToLower(strings.Trim(english, ".")), " ", ".")); ok {
		return text
	}
	return LocalizeText(ctx, english)
}

// LocalizeText is Localize for an English sentence that was formatted, and perhaps stored, earlier.
func LocalizeText(ctx context.Context, sentence string) string {
	t := languageOf(ctx)
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
			args = append(args, localizeArg(ctx, p.args[i], arg))
		}
		return fmt.Sprintf(asText(p.format), args...)
	}
	return sentence
}

// asText replaces every verb of a format by one for text, because arguments found in a sentence are text already, including
// their quotation marks.
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
