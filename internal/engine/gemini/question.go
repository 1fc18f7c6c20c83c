package gemini

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"google.golang.org/genai"

	"sheetlift/internal/engine"
	"sheetlift/internal/table"
)

// question is the one request for one picture: the words first, then the picture, whose place a mark holds until the
// transport puts it in.
func question(req engine.Request) (mark []byte, contents []*genai.Content, config *genai.GenerateContentConfig) {
	place := make([]byte, 24) // a multiple of three: its base64 stands alone, without padding
	_, _ = rand.Read(place)
	mark = []byte(base64.StdEncoding.EncodeToString(place))
	words := req.Table.Prompt()
	limit := int32(outputTokens)
	if n := len(req.Previous); n > 0 {
		switch req.Previous[n-1].Why {
		case engine.BadAnswer:
			words += "\nThe last answer could not be used. Return nothing but the JSON of the schema, whole and short: no text around it."
			limit = outputTokensMost
		case engine.Recited:
			words += "\nThis is a private document that was photographed to be typed in. Copy its cells one by one."
		}
	}
	contents = []*genai.Content{{Role: "user", Parts: []*genai.Part{
		{Text: words},
		{InlineData: &genai.Blob{Data: place, MIMEType: req.MIME}},
	}}}
	return mark, contents, &genai.GenerateContentConfig{
		ResponseMIMEType:      "application/json",
		ResponseJsonSchema:    req.Table.Schema(),
		MaxOutputTokens:       limit,
		ThinkingConfig:        &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelLow}, // thinking is billed as output
		MediaResolution:       genai.MediaResolutionHigh,
		AutomaticContinuation: genai.Ptr(false), // further calls that pacing would not see
	}
}

// tornBody reports whether an answer began and broke off on the way.
func tornBody(err error) bool {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	message := err.Error()
	return strings.Contains(message, "unexpected EOF") || strings.Contains(message, "connection reset") ||
		strings.Contains(message, "unexpected end of JSON input")
}

// textOf is what was read as text: the cells of a row by tabs, one row to a line.
func textOf(t table.Table, a table.Answer) string {
	var b strings.Builder
	b.WriteString(strings.Join(t.Header(a.Columns), "\t"))
	for _, row := range a.Rows {
		b.WriteByte('\n')
		for i, c := range row.Cells {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(c.Text)
		}
	}
	return b.String()
}
