package table

import (
	"fmt"
	"strings"
)

// The messages of the doubts that a second reading causes; clerks know it as the offline reading.
const (
	saysOther = "The offline reading has “%s” here. Compare both with the picture."
	saysNone  = "The offline reading does not have this text in its row. Compare it with the picture."
	saysLost  = "The offline reading has a line after this row that is not here: “%s”. Compare the rows with the picture."
	saysFirst = "The offline reading has a line above the first row that is not here: “%s”. Compare the rows with the picture."
)

// maxQuoted is how many runes of a witness's text a message quotes.
const maxQuoted = 80

// Disputed returns the doubt about a cell for which a second reading has another text; "" where it has none.
func Disputed(row, column int, other string) Issue {
	i := Issue{Row: row, Column: column, Kind: KindWitness, Message: saysNone}
	if other != "" && len([]rune(other)) <= maxQuoted {
		i.Message = fmt.Sprintf(saysOther, other)
	}
	return i
}

// LostRow returns the doubt about a line of a second reading that belongs to no row. after is the index of the row before it,
// -1 above the first.
func LostRow(after int, text string) Issue {
	text = clip(text, maxQuoted)
	if after < 0 {
		return Issue{Row: -1, Column: -1, Kind: KindRows, Message: fmt.Sprintf(saysFirst, text)}
	}
	return Issue{Row: after, Column: -1, Kind: KindRows, Message: fmt.Sprintf(saysLost, text)}
}

// quoted returns the text that a message made from says quotes, or "".
func quoted(says, message string) string {
	before, after, _ := strings.Cut(says, "%s")
	text, ok := strings.CutPrefix(message, before)
	if text, found := strings.CutSuffix(text, after); ok && found {
		return text
	}
	return ""
}
