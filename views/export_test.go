package views

import "context"

// What tests of this package look at from outside.
var (
	English  = tongues()[mother].words
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
)

// File is what a language's file holds.
type File struct {
	Name             string
	Words, Sentences map[string]string
}

// Files are the languages' files by tag.
func Files() map[string]File {
	all := map[string]File{}
	for tag, t := range tongues() {
		all[tag] = File{t.name, t.words, t.sentences}
	}
	return all
}

// Speaking is a context whose pages speak a language from such a file.
func Speaking(ctx context.Context, data []byte) (context.Context, error) {
	t, err := readTongue(data)
	return context.WithValue(ctx, languageKey{}, t), err
}

// Verbs are the places for arguments in a text, in order.
func Verbs(text string) []string { return verb.FindAllString(text, -1) }
