package batch

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Template is a set of columns that a person saved for reuse.
type Template struct {
	ID    string      `json:"id"`   // made by NewID
	Name  string      `json:"name"` // 1 to 200 characters, unique ignoring case
	Table table.Table `json:"table"`
	Saved time.Time   `json:"saved"`
}

// MaxTemplates is how many templates are kept, so that the list stays readable.
const MaxTemplates = 200

// Templates returns the saved templates, sorted by name.
func (s *Service) Templates(ctx context.Context) ([]*Template, error) {
	if s.ports.Templates == nil {
		return nil, nil
	}
	all, err := s.ports.Templates.Templates(ctx)
	slices.SortFunc(all, func(a, b *Template) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return all, err
}

// Template returns a template by id, or NotFound.
func (s *Service) Template(ctx context.Context, id string) (*Template, error) {
	all, err := s.Templates(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(t *Template) bool { return t.ID == id }); i >= 0 {
		return all[i], nil
	}
	return nil, noTemplate()
}

// SaveTemplate saves columns under a name. It replaces a template of the same name.
func (s *Service) SaveTemplate(ctx context.Context, name string, t table.Table) (*Template, error) {
	name = cleanName(name)
	if name == "" {
		return nil, errs.New(errs.Invalid, "Saved columns need a name; type at least one character.")
	}
	t = t.Composed()
	if err := t.Validate(); err != nil {
		return nil, err
	}
	all, err := s.Templates(ctx)
	if err != nil {
		return nil, err
	}
	saved := &Template{ID: string(NewID()), Name: name, Table: t, Saved: time.Now().UTC()}
	if i := named(all, name); i >= 0 {
		saved.ID = all[i].ID
	} else if len(all) >= MaxTemplates {
		return nil, errs.New(errs.Invalid, "%d sets of columns are saved already, and no more are kept. Delete some, then save again.", MaxTemplates)
	}
	if s.ports.Templates == nil {
		return nil, errs.New(errs.Unavailable, "Columns cannot be saved here.")
	}
	return saved, s.ports.Templates.SaveTemplate(ctx, saved)
}

// RenameTemplate renames a template; Conflict if another one has that name.
func (s *Service) RenameTemplate(ctx context.Context, id, name string) (*Template, error) {
	name = cleanName(name)
	if name == "" {
		return nil, errs.New(errs.Invalid, "Saved columns need a name; type at least one character.")
	}
	all, err := s.Templates(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(t *Template) bool { return t.ID == id })
	if i < 0 {
		return nil, noTemplate()
	}
	if j := named(all, name); j >= 0 && j != i {
		return nil, errs.New(errs.Conflict, "Other columns are saved as “%s” already. Choose another name.", all[j].Name)
	}
	all[i].Name = name
	return all[i], s.ports.Templates.SaveTemplate(ctx, all[i])
}

// RemoveTemplate removes a template and returns it, so that it can be saved again. Batches keep the columns that they copied
// from it.
func (s *Service) RemoveTemplate(ctx context.Context, id string) (*Template, error) {
	t, err := s.Template(ctx, id)
	if err != nil {
		return nil, err
	}
	return t, s.ports.Templates.RemoveTemplate(ctx, id)
}

func named(all []*Template, name string) int {
	return slices.IndexFunc(all, func(t *Template) bool { return strings.EqualFold(t.Name, name) })
}

func noTemplate() error {
	return errs.New(errs.NotFound, "These saved columns are not there any more. Reload the page to see those that are.")
}

// templateFile is the file format of a template, for transfer to another installation. Kind and version identify it for later
// versions.
type templateFile struct {
	Kind    string      `json:"kind"`
	Version int         `json:"version"`
	Name    string      `json:"name"`
	Table   table.Table `json:"table"`
}

const templateKind, templateVersion = "sheetlift columns", 1

// ExportTemplate returns a template as a JSON file, for ImportTemplate.
func ExportTemplate(t *Template) ([]byte, error) {
	return json.MarshalIndent(templateFile{templateKind, templateVersion, t.Name, t.Table}, "", "  ")
}

// MaxTemplateFile is the size limit of ImportTemplate in bytes: 50 columns with all their words take a tenth.
const MaxTemplateFile = 1 << 20

// ImportTemplate saves the columns of a file that Export made. It replaces a template of the same name.
func (s *Service) ImportTemplate(ctx context.Context, data []byte) (*Template, error) {
	var f templateFile
	if err := json.Unmarshal(data, &f); err != nil || f.Kind != templateKind {
		return nil, errs.New(errs.Invalid, "This file does not hold saved columns. Choose a file that was exported here, ending in .json.")
	}
	if f.Version > templateVersion {
		return nil, errs.New(errs.Invalid, "This file was exported by a newer Sheetlift. Update this one, then import it again.")
	}
	return s.SaveTemplate(ctx, f.Name, f.Table)
}
