package views

import "context"

// The internals that tests of this package use.
var (
	English  = languages()[fallback].words
	Number   = number
	Took     = took
	Left     = left
	Size     = size
	Clock    = clock
	Segments = segments
	Sentence = sentence
	Many     = many
	Widths   = colWidths
	Breadth  = breadth
	Isolate  = isolate
)

// File is the content of a language file.
type File struct {
	Name             string
	Words, Sentences map[string]string
}

// Files returns the language files by tag.
func Files() map[string]File {
	all := map[string]File{}
	for tag, t := range languages() {
		all[tag] = File{t.name, t.words, t.sentences}
	}
	return all
}

// Speaking returns a context whose pages use the language in such a file.
func Speaking(ctx context.Context, data []byte) (context.Context, error) {
	t, err := readLanguage(data)
	return context.WithValue(ctx, languageKey{}, t), err
}

// Verbs returns the argument positions in a text, in order.
func Verbs(text string) []string { return verb.FindAllString(text, -1) }
