package draft

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/fault"
	"sheetlift/internal/table"
)

// Pattern is a template for names: text with {n} for the number, {n:03} for the number with leading zeros, {file} for the file
// name, {folder} for its folder, {date} for the date of the file as 2026-11-25, and {name} for the current name.
type Pattern struct {
	Text string // 1 to 200 characters
	From int    // number of the first image: 0 to 1,000,000
}

var (
	placeholder = regexp.MustCompile(`\{([^{}]*)\}`)
	counting    = regexp.MustCompile(`^n(?::0?([1-9]))?$`)
)

// Name returns the name of image m at index i, from 0. The pattern must have been checked.
func (p Pattern) Name(m *batch.Image, i int) string {
	return batch.CleanName(placeholder.ReplaceAllStringFunc(p.Text, func(token string) string {
		switch token = token[1 : len(token)-1]; token {
		case "file":
			return m.DefaultName()
		case "folder":
			return lastPart(m.Folder)
		case "date":
			if m.TakenAt.IsZero() {
				return ""
			}
			return m.TakenAt.Format("2006-01-02")
		case "name":
			return m.Name
		default:
			width, _ := strconv.Atoi(counting.FindStringSubmatch(token)[1])
			return fmt.Sprintf("%0*d", width, p.From+i)
		}
	}))
}

func (p Pattern) check() error {
	if strings.TrimSpace(p.Text) == "" || len([]rune(p.Text)) > 200 {
		return errs.New(errs.Invalid, "A pattern has 1 to 200 characters, such as Room-{n:03}.")
	}
	if p.From < 0 || p.From > 1_000_000 {
		return errs.New(errs.Invalid, "The first number is %d; choose one from 0 to 1,000,000.", p.From)
	}
	for _, m := range placeholder.FindAllStringSubmatch(p.Text, -1) {
		switch m[1] {
		case "file", "folder", "date", "name":
		default:
			if !counting.MatchString(m[1]) {
				return errs.New(errs.Invalid, "{%s} means nothing in a pattern; use {n}, {n:03}, {file}, {folder}, {date} or {name}.", batch.CleanName(m[1]))
			}
		}
	}
	return nil
}

// NameByPattern names all images of a draft, in their order. An image for which the pattern yields no name keeps its own.
func (s *Service) NameByPattern(ctx context.Context, id batch.ID, p Pattern) error {
	if err := p.check(); err != nil {
		return err
	}
	return s.nameAll(ctx, id, func(images []*batch.Image) (map[int]string, error) {
		names := map[int]string{}
		for i, m := range images {
			if name := p.Name(m, i); name != "" {
				names[m.N] = name
			}
		}
		return names, nil
	})
}

// ReplaceInNames replaces find by with in the names of a draft, ignoring case. It is Invalid when no name contains find.
func (s *Service) ReplaceInNames(ctx context.Context, id batch.ID, find, with string) error {
	if find == "" {
		return errs.New(errs.Invalid, "Type what to look for in the names.")
	}
	wanted, err := regexp.Compile("(?i)" + table.Pattern(limitText(find)))
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "What to look for is not text. Type it anew.")
	}
	return s.nameAll(ctx, id, func(images []*batch.Image) (map[int]string, error) {
		names := map[int]string{}
		for _, m := range images {
			if name := batch.CleanName(wanted.ReplaceAllLiteralString(batch.CleanName(m.Name), limitText(with))); name != batch.CleanName(m.Name) && name != "" {
				names[m.N] = name
			}
		}
		if len(names) == 0 {
			return nil, errs.New(errs.Invalid, "“%s” stands in none of the names.", batch.CleanName(find))
		}
		return names, nil
	})
}

// limitText limits text for names to 200 characters of valid UTF-8.
func limitText(s string) string {
	if runes := []rune(strings.ToValidUTF8(s, "")); len(runes) > 200 {
		return string(runes[:200])
	}
	return strings.ToValidUTF8(s, "")
}

// maxColumn is the limit for pasted text, in bytes: 5,000 names of 200 characters.
const maxColumn = 1 << 20

// PasteNames names the images of a draft, in their order, from a column copied from a spreadsheet. An empty cell leaves an
// image its name; of several columns the first is used. More names than images are Invalid.
func (s *Service) PasteNames(ctx context.Context, id batch.ID, column string) error {
	if len(column) > maxColumn {
		return errs.New(errs.TooLarge, "What was pasted is too much for a column of names. Copy only the names.")
	}
	cells := Cells(column)
	if len(cells) == 0 {
		return errs.New(errs.Invalid, "There are no names in what was pasted. Copy the column in Excel, then paste it here.")
	}
	return s.nameAll(ctx, id, func(images []*batch.Image) (map[int]string, error) {
		if len(cells) > len(images) {
			return nil, errs.New(errs.Invalid, "These are %d names for %d pictures. Copy only the names that belong to them.", len(cells), len(images))
		}
		names := map[int]string{}
		for i, cell := range cells {
			if name := batch.CleanName(cell); name != "" {
				names[images[i].N] = name
			}
		}
		return names, nil
	})
}

// Cells returns the first column of text copied from a spreadsheet: lines with tabs between cells, where a cell with a line
// break or a quote is in quotes. Empty lines at the end are dropped.
func Cells(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var cells []string
	for len(text) > 0 {
		var cell string
		if quoted, rest, ok := quotedCell(text); ok {
			cell, text = quoted, rest
		} else {
			end := strings.IndexAny(text, "\t\n")
			if end < 0 {
				end = len(text)
			}
			cell, text = text[:end], text[end:]
		}
		cells = append(cells, strings.TrimSpace(cell))
		_, text, _ = strings.Cut(text, "\n")
	}
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// quotedCell reads a quoted cell; ok is false if text does not begin with one, for example if the quote is an ordinary
// character.
func quotedCell(text string) (cell, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", false
	}
	var b strings.Builder
	for rest = text[1:]; ; {
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			return "", "", false
		}
		b.WriteString(rest[:end])
		rest = rest[end+1:]
		switch {
		case strings.HasPrefix(rest, `"`):
			b.WriteByte('"')
			rest = rest[1:]
		case rest == "" || rest[0] == '\t' || rest[0] == '\n':
			return b.String(), rest, true
		default:
			return "", "", false
		}
	}
}

// concurrentRenames is how many names are written concurrently: each write waits for the disk.
const concurrentRenames = 8

func (s *Service) nameAll(ctx context.Context, id batch.ID, f func([]*batch.Image) (map[int]string, error)) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	if b.Status != batch.Draft {
		return errs.New(errs.Conflict, "This batch was started already; name its images one by one.")
	}
	images, err := s.batches.StoredImages(ctx, b)
	if err != nil {
		return err
	}
	names, err := f(images)
	if err != nil {
		return err
	}
	return s.RenameImages(ctx, id, names)
}

// RenameImages names several images by N. An image that is gone does not stop the others from being renamed.
func (s *Service) RenameImages(ctx context.Context, id batch.ID, names map[int]string) error {
	var group errgroup.Group
	group.SetLimit(concurrentRenames)
	for n, name := range names {
		group.Go(func() error {
			_, err := s.settings.RenameImage(ctx, id, n, name)
			fault.At(fault.ImageRenamed)
			return err
		})
	}
	return group.Wait()
}
