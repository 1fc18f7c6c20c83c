package table

import (
	"fmt"
	"slices"
	"strings"
)

// ledger accounts for every value of an answer. A value is settled if it was put into a cell, is named in an issue, or
// describes the answer itself (a heading, a number of rows, a place). An issue lists the values that are left over at the
// end, so that a part of an answer which no step reads is noticed too.
type ledger struct {
	settled []bool // by the id of the value
	extra   []string
}

// settle settles a value with all that it holds.
func (l *ledger) settle(v value) {
	l.mark(v.id)
	for _, item := range v.list {
		l.settle(item)
	}
	for _, m := range v.fields {
		l.settle(m.value)
	}
}

func (l *ledger) mark(id int) {
	if id <= 0 {
		return
	}
	if id >= len(l.settled) {
		l.settled = append(l.settled, make([]bool, id+1-len(l.settled)+len(l.settled)/2)...)
	}
	l.settled[id] = true
}

func (l *ledger) open(v value) bool { return v.id > 0 && (v.id >= len(l.settled) || !l.settled[v.id]) }

// say adds a text that is no value of its own, such as the name of a row.
func (l *ledger) say(text string) { l.extra = append(l.extra, text) }

// left lists the values that are not settled and not blank, those of members with their names.
func (l *ledger) left(values []value) []string {
	all := slices.Clone(l.extra)
	var walk func(name string, v value)
	walk = func(name string, v value) {
		for _, item := range v.list {
			walk(name, item)
		}
		for _, m := range v.fields {
			walk(m.name, m.value)
		}
		if !v.scalar() || !l.open(v) || strings.TrimSpace(v.text) == "" {
			return
		}
		if name != "" {
			name += ": "
		}
		all = append(all, name+v.text)
	}
	for _, v := range values {
		walk("", v)
	}
	return all
}

// maxTold is how many left-over values an issue lists.
const maxTold = 8

// told joins left-over values for a sentence.
func told(left []string) string {
	var short []string
	for _, s := range left[:min(len(left), maxTold)] {
		short = append(short, clip(strings.Join(strings.Fields(s), " "), 100))
	}
	s := strings.Join(short, "; ")
	if more := len(left) - maxTold; more > 0 {
		s += fmt.Sprintf("; + %d", more)
	}
	return s
}
