package table

import "slices"

// Named is a preset with the words that people choose it by.
type Named struct {
	Name        string // "inventory", "receipt", "any": the word in addresses and in Table.Preset
	Label       string // short, for a choice
	Description string // a sentence
	Table       Table
}

// Default is the name of the preset that a new batch gets.
const Default = "inventory"

// presets is the source; Presets and Preset hand out copies.
var presets = []Named{
	{
		Name: "inventory", Label: "Equipment inventory",
		Description: "Lists of equipment: what it is, how many, serial number, tag number and status.",
		Table: Table{Preset: "inventory", Columns: []Column{
			{Name: "Item_Description", Type: Text, Required: true, Description: "What the item is, with make and model where the sheet shows them."},
			{Name: "Quantity", Type: Number, Description: "How many of the item."},
			{Name: "Serial_Number", Type: Text, Unique: true, Description: "The serial number, every letter, digit and leading zero as written."},
			{Name: "Tag_Number", Type: Text, Unique: true, Description: "The asset or inventory tag, as written."},
			{Name: "Status", Type: Text, Description: "The condition or status, in the sheet's own words."},
		}},
	},
	{
		Name: "receipt", Label: "Receipt",
		Description: "One receipt or invoice on each picture: who sold it, when, where, and the total.",
		Table: Table{Preset: "receipt", Single: true, Columns: []Column{
			{Name: "company", Type: Text, Required: true, Description: "The name of the company that issued the receipt."},
			{Name: "date", Type: Date, Required: true, Description: "The date of the purchase, as written, without the time of day."},
			{Name: "address", Type: Text, Description: "The address of the company, on one line."},
			{Name: "total", Type: Number, Required: true, Description: "The total to pay, after rounding and tax, as written."},
		}},
	},
	{
		Name: "any", Label: "Any table",
		Description: "The columns that each sheet itself shows, with the sheet's own headings.",
		Table:       Table{Preset: "any", Open: true},
	},
}

// Presets returns the presets in the order to offer them, the default first. The caller may change the returned slice.
func Presets() []Named {
	all := slices.Clone(presets)
	for i := range all {
		all[i].Table.Columns = slices.Clone(all[i].Table.Columns)
	}
	return all
}

// Preset returns the table of a preset by its name, and whether there is one. The caller may change the table.
func Preset(name string) (Table, bool) {
	for _, p := range Presets() {
		if p.Name == name {
			return p.Table, true
		}
	}
	return Table{}, false
}
