package gemini

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"strings"

	"google.golang.org/genai"

	"sheetlift/internal/engine"
	"sheetlift/internal/table"
)

// question builds the request for one picture: the text first, then the picture. A mark takes the picture's place
// until the transport replaces it.
func (e *Engine) buildRequest(req engine.Request) (mark []byte, contents []*genai.Content, config *genai.GenerateContentConfig) {
	place := make([]byte, 24) // a multiple of three: its base64 has no padding
	_, _ = rand.Read(place)
	mark = []byte(base64.StdEncoding.EncodeToString(place))
	words := req.Table.Prompt()
	limit := int32(outputTokens)
	if n := len(req.Previous); n > 0 {
		switch req.Previous[n-1].Why {
		case engine.BadAnswer:
			words += "\nThe last answer could not be used. Return nothing but the JSON of the schema, whole and short: no text around it."
			limit = outputTokensMax
		case engine.Recited:
			words += "\nThis is a private document that was photographed to be typed in. Copy its cells one by one."
		}
	}
	contents = []*genai.Content{{Role: "user", Parts: []*genai.Part{
		{Text: words},
		{InlineData: &genai.Blob{Data: place, MIMEType: req.MIME}},
	}}}
	config = &genai.GenerateContentConfig{
		ResponseMIMEType:      "application/json",
		ResponseJsonSchema:    req.Table.Schema(),
		MaxOutputTokens:       limit,
		MediaResolution:       genai.MediaResolutionHigh,
		AutomaticContinuation: genai.Ptr(false), // further calls would bypass the pacing
	}
	if e.opt.NoStore {
		config.Store = genai.Ptr(false)
	}
	// Thinking is billed as output, so the lowest level is used unless a person wants more. Temperature and similar
	// fields are not sent: models ignore them since 3.6 and later ones will refuse them.
	if level := e.thinking(cmp.Or(req.Model, e.opt.Model), req.Thinking); level != "" {
		config.ThinkingConfig = &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevel(strings.ToUpper(level))}
	}
	return mark, contents, config
}

// tornBody reports whether an answer began and was cut off.
func tornBody(err error) bool {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	message := err.Error()
	return strings.Contains(message, "unexpected EOF") || strings.Contains(message, "connection reset") ||
		strings.Contains(message, "unexpected end of JSON input")
}

// textOf formats the rows as text: cells separated by tabs, one row per line.
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
