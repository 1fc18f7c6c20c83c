package views

// What tests of this package look at from outside.
var (
	English  = english
	Number   = number
	Took     = took
	Left     = left
	Size     = size
	Segments = segments
	Sentence = sentence
	Many     = many
)
