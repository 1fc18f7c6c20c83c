package draft

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Templates saves columns for reuse. All methods are safe for concurrent use.
type Templates struct{ port batch.Templates }

// NewTemplates returns Templates over a port; nil means that columns cannot be saved.
func NewTemplates(port batch.Templates) *Templates { return &Templates{port} }

// Templates returns the saved templates, sorted by name.
func (s *Templates) Templates(ctx context.Context) ([]*batch.Template, error) {
	if s.port == nil {
		return nil, nil
	}
	all, err := s.port.Templates(ctx)
	slices.SortFunc(all, func(a, b *batch.Template) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return all, err
}

// Template returns a template by id, or NotFound.
func (s *Templates) Template(ctx context.Context, id string) (*batch.Template, error) {
	all, err := s.Templates(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(t *batch.Template) bool { return t.ID == id }); i >= 0 {
		return all[i], nil
	}
	return nil, noTemplate()
}

// SaveTemplate saves columns under a name. It replaces a template of the same name.
func (s *Templates) SaveTemplate(ctx context.Context, name string, t table.Table) (*batch.Template, error) {
	name = batch.CleanName(name)
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
	saved := &batch.Template{ID: string(batch.NewID()), Name: name, Table: t, Saved: time.Now().UTC()}
	if i := named(all, name); i >= 0 {
		saved.ID = all[i].ID
	} else if len(all) >= batch.MaxTemplates {
		return nil, errs.New(errs.Invalid, "%d sets of columns are saved already, and no more are kept. Delete some, then save again.", batch.MaxTemplates)
	}
	if s.port == nil {
		return nil, errs.New(errs.Unavailable, "Columns cannot be saved here.")
	}
	return saved, s.port.SaveTemplate(ctx, saved)
}

// RenameTemplate renames a template; Conflict if another one has that name.
func (s *Templates) RenameTemplate(ctx context.Context, id, name string) (*batch.Template, error) {
	name = batch.CleanName(name)
	if name == "" {
		return nil, errs.New(errs.Invalid, "Saved columns need a name; type at least one character.")
	}
	all, err := s.Templates(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(t *batch.Template) bool { return t.ID == id })
	if i < 0 {
		return nil, noTemplate()
	}
	if j := named(all, name); j >= 0 && j != i {
		return nil, errs.New(errs.Conflict, "Other columns are saved as “%s” already. Choose another name.", all[j].Name)
	}
	all[i].Name = name
	return all[i], s.port.SaveTemplate(ctx, all[i])
}

// RemoveTemplate removes a template and returns it, so that it can be saved again. Batches keep the columns that they copied
// from it.
func (s *Templates) RemoveTemplate(ctx context.Context, id string) (*batch.Template, error) {
	t, err := s.Template(ctx, id)
	if err != nil {
		return nil, err
	}
	return t, s.port.RemoveTemplate(ctx, id)
}

func named(all []*batch.Template, name string) int {
	return slices.IndexFunc(all, func(t *batch.Template) bool { return strings.EqualFold(t.Name, name) })
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
func ExportTemplate(t *batch.Template) ([]byte, error) {
	return json.MarshalIndent(templateFile{templateKind, templateVersion, t.Name, t.Table}, "", "  ")
}

// MaxTemplateFile is the size limit of ImportTemplate in bytes: 50 columns with all their words take a tenth.
const MaxTemplateFile = 1 << 20

// ImportTemplate saves the columns of a file that Export made. It replaces a template of the same name.
func (s *Templates) ImportTemplate(ctx context.Context, data []byte) (*batch.Template, error) {
	var f templateFile
	if err := json.Unmarshal(data, &f); err != nil || f.Kind != templateKind {
		return nil, errs.New(errs.Invalid, "This file does not hold saved columns. Choose a file that was exported here, ending in .json.")
	}
	if f.Version > templateVersion {
		return nil, errs.New(errs.Invalid, "This file was exported by a newer Sheetlift. Update this one, then import it again.")
	}
	return s.SaveTemplate(ctx, f.Name, f.Table)
}
