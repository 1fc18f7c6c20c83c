package api

import (
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// words are the parameters. Each may be sent as query, form field or header, in this order of precedence.
var words = []string{"max_concurrent", "max_retries", "retry_delay", "columns", "engine", "fresh"}

// params collects the parameters of a request.
type params struct {
	query  map[string]string
	form   map[string]string
	header map[string]string
	names  []string // by file; "" keeps the name of the file
}

func newParams(r *http.Request) *params {
	p := &params{query: map[string]string{}, form: map[string]string{}, header: map[string]string{}}
	query := r.URL.Query()
	for _, word := range words {
		if v := query.Get(word); v != "" {
			p.query[word] = v
		}
		dashed := strings.ReplaceAll(word, "_", "-")
		for _, name := range []string{dashed, word, "X-" + dashed} {
			if v := r.Header.Get(name); v != "" {
				p.header[word] = v
				break
			}
		}
	}
	if names := query["names"]; len(names) > 0 {
		p.addNames(names...)
	}
	return p
}

// field stores a form field that is not a file; unknown fields are ignored.
func (p *params) field(part *multipart.Part) error {
	name := strings.TrimSuffix(part.FormName(), "[]")
	data, err := io.ReadAll(io.LimitReader(part, maxField+1))
	switch {
	case err != nil:
		return broken(err)
	case len(data) > maxField:
		return errs.New(errs.Invalid, "The field %q is longer than 64 KB. Send pictures as files.", name)
	case name == "names":
		p.addNames(string(data))
	case slices.Contains(words, name):
		p.form[name] = strings.TrimSpace(string(data))
	}
	return nil
}

// addNames appends one name, or a JSON list of names.
func (p *params) addNames(texts ...string) {
	for _, text := range texts {
		var list []string
		if strings.HasPrefix(strings.TrimSpace(text), "[") && json.Unmarshal([]byte(text), &list) == nil {
			p.names = append(p.names, list...)
		} else {
			p.names = append(p.names, text)
		}
	}
}

func (p *params) get(word string) string {
	for _, from := range []map[string]string{p.query, p.form, p.header} {
		if v := strings.TrimSpace(from[word]); v != "" {
			return v
		}
	}
	return ""
}

// name returns the name given for a file of the form, counted from 0.
func (p *params) name(file int) string {
	if file < len(p.names) {
		return p.names[file]
	}
	return ""
}

// options are the validated parameters.
type options struct {
	table   table.Table
	engine  string
	options batch.Options
}

func (p *params) settings() (options, error) {
	s := options{options: batch.DefaultOptions()}
	var err error
	if s.options.AtOnce, err = p.number("max_concurrent", s.options.AtOnce, 1, 64); err != nil {
		return s, err
	}
	if s.options.MaxRetries, err = p.number("max_retries", s.options.MaxRetries, 0, 20); err != nil {
		return s, err
	}
	ms, err := p.number("retry_delay", int(s.options.RetryDelay/time.Millisecond), 0, 600_000)
	if err != nil {
		return s, err
	}
	s.options.RetryDelay = time.Duration(ms) * time.Millisecond
	preset := strings.ToLower(p.get("columns"))
	if preset == "" {
		preset = table.Default
	}
	var known bool
	if s.table, known = table.Preset(preset); !known {
		return s, errs.New(errs.Invalid, "columns is %q; use inventory, receipt or any.", preset)
	}
	if text := p.get("fresh"); text != "" {
		if s.options.Fresh, err = strconv.ParseBool(text); err != nil {
			return s, errs.New(errs.Invalid, "fresh is %q; use true to have every picture read, or false.", text)
		}
	}
	s.engine = strings.ToLower(p.get("engine"))
	if !slices.Contains([]string{"", "auto", "gemini", "tesseract"}, s.engine) {
		return s, errs.New(errs.Invalid, "engine is %q; use auto, gemini or tesseract.", s.engine)
	}
	return s, nil
}

func (p *params) number(word string, standard, low, high int) (int, error) {
	text := p.get(word)
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, errs.New(errs.Invalid, "%s is %q; use a whole number from %d to %d.", word, text, low, high)
	}
	return n, nil
}
