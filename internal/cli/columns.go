package cli

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"

	"sheetlift/client"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// draft returns the batch that a plan wishes for.
func (p *plan) draft(c *config.Config, files []input) (client.NewBatch, error) {
	n := client.NewBatch{Name: p.name, AtOnce: p.atOnce, Fresh: p.fresh}
	if n.Name == "" && len(files) > 0 && files[0].path != "-" {
		here, _ := filepath.Abs(files[0].root) // fails without a working directory, and then the name is short
		n.Name = filepath.Base(here)
	}
	if p.retries >= 0 {
		n.MaxRetries = &p.retries
	}
	if c.Engine != "auto" {
		n.Engine = c.Engine
	}
	if _, preset := table.Preset(p.columns); preset {
		n.Preset = p.columns
		return n, nil
	}
	t, err := columnsIn(p.columns)
	if err != nil {
		return n, err
	}
	if t.Open {
		n.Preset = "any"
		return n, nil
	}
	n.Single = t.Single
	n.Columns, err = json.Marshal(t.Columns)
	return n, err
}

// columnsIn returns the columns in a file: saved ones, as the page exports them, or a list of columns alone, as the API takes them.
func columnsIn(file string) (table.Table, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return table.Table{}, errs.Wrap(err, errs.NotFound, "The columns %s are neither inventory, receipt or any, nor a file that can be read", file)
	}
	var saved struct {
		Table   table.Table    `json:"table"`
		Columns []table.Column `json:"columns"`
		Single  bool           `json:"single"`
	}
	bare := json.Unmarshal(data, &saved.Columns) == nil
	if !bare {
		err = json.Unmarshal(data, &saved)
	}
	t := saved.Table
	if len(saved.Columns) > 0 {
		t = table.Table{Columns: saved.Columns, Single: saved.Single}
	}
	if !bare && err != nil || len(t.Columns) == 0 && !t.Open {
		return t, errs.New(errs.Invalid, "The file %s does not hold columns. Export them on the page of columns, or write a list such as %s", file, `[{"name": "Item", "type": "text"}]`)
	}
	for i := range t.Columns {
		t.Columns[i].Type = cmp.Or(t.Columns[i].Type, table.Text)
	}
	return t, t.Composed().Validate()
}
