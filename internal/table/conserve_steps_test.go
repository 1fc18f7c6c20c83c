package table_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// steps change the documents; each returns whether it could.
var steps = map[string]func(*asked) bool{
	"split": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || len(rows.kids) < 2 || len(a.docs) > 1 {
			return false
		}
		at := 1 + a.IntN(len(rows.kids)-1)
		second := object("rows", list(slices.Clone(rows.kids[at:])...))
		rows.kids = slices.Clip(rows.kids[:at])
		if a.IntN(2) == 0 {
			a.docs[0].set("rows_on_sheet", strconv.Itoa(at))
			second = object("rows_on_sheet", &node{token: strconv.Itoa(len(second.kids[0].kids))}, "rows", second.kids[0])
		}
		a.docs = append(a.docs, second)
		a.harm = true
		return true
	},
	"draft": func(a *asked) bool {
		if len(a.truth) < 2 {
			return false
		}
		k := 1 + a.IntN(len(a.truth)-1)
		a.docs = slices.Insert(a.docs, a.IntN(2), a.document(a.truth[:k], k))
		a.harm = true
		return true
	},
	"lines": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || len(a.docs) > 1 || a.lossy || len(a.docs[0].names) != 2 || a.open {
			return false
		}
		a.docs = rows.kids
		return true
	},
	"same document twice": func(a *asked) bool {
		if a.inner() == nil || len(a.docs) > 1 {
			return false
		}
		a.docs = append(a.docs, a.docs...)
		return true
	},
	"table twice": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || a.harm {
			return false
		}
		again := a.rows(a.truth).kids
		switch a.IntN(3) {
		case 0: // without numbers
			for _, row := range slices.Concat(rows.kids, again) {
				if i := slices.IndexFunc(row.names, func(name string) bool { return strings.EqualFold(name, "row") }); i >= 0 {
					row.names, row.kids = slices.Delete(row.names, i, i+1), slices.Delete(row.kids, i, i+1)
				}
			}
		case 1: // without a count
			a.docs[0].set("rows_on_sheet", `""`)
		}
		rows.kids = slices.Concat(rows.kids, again)
		a.harm = true
		return true
	},
	"wrap": func(a *asked) bool {
		a.harm = a.harm || len(a.docs) > 1
		i := a.IntN(len(a.docs))
		for range 1 + a.IntN(4) {
			switch name := []string{"response", "output", "table", "something", "[", "tables"}[a.IntN(6)]; name {
			case "[":
				a.docs[i] = list(a.docs[i])
			case "tables":
				a.docs[i] = object("tables", list(a.docs[i]))
			default:
				a.docs[i] = object(name, a.docs[i])
			}
		}
		return true
	},
	"tables in one": func(a *asked) bool {
		if len(a.docs) < 2 {
			return false
		}
		all := object()
		for i, doc := range a.docs {
			all.names, all.kids = append(all.names, "part "+strconv.Itoa(i)), append(all.kids, doc)
		}
		a.docs = []*node{all}
		a.harm = true
		return true
	},
	"text in text": func(a *asked) bool {
		if len(a.docs) != 1 {
			return false
		}
		a.docs[0] = str(a.docs[0].String())
		return true
	},
	"names in other letters": func(a *asked) bool {
		rows := a.inner()
		if rows == nil {
			return false
		}
		for _, row := range rows.kids {
			for i, name := range row.names {
				row.names[i] = []string{strings.ToUpper(name), strings.ToLower(name), strings.ReplaceAll(name, "_", " ")}[a.IntN(3)]
			}
		}
		return true
	},
	"names renamed": func(a *asked) bool {
		rows := a.inner()
		if rows == nil {
			return false
		}
		from, to := "Serial_No", "S/N"
		if a.IntN(2) == 0 {
			from, to = "Quantity", "Colour"
		}
		for _, row := range rows.kids {
			if i := slices.Index(row.names, from); i >= 0 {
				row.names[i] = to
			}
		}
		a.harm = true
		return true
	},
	"other order": func(a *asked) bool {
		rows := a.inner()
		if rows == nil {
			return false
		}
		for _, row := range rows.kids {
			a.Shuffle(len(row.names), func(i, j int) {
				row.names[i], row.names[j], row.kids[i], row.kids[j] = row.names[j], row.names[i], row.kids[j], row.kids[i]
			})
		}
		return true
	},
	"header among the rows": func(a *asked) bool {
		rows := a.inner()
		if rows == nil {
			return false
		}
		header := object()
		if a.open {
			header.names, header.kids = []string{"cells"}, []*node{list()}
			for _, c := range a.columns {
				header.kids[0].kids = append(header.kids[0].kids, str(c.Name))
			}
		}
		for _, c := range a.table.Columns {
			header.names, header.kids = append(header.names, c.Name), append(header.kids, str(c.Name))
		}
		rows.kids = slices.Insert(rows.kids, a.IntN(len(rows.kids)+1), header)
		return true
	},
	"arrays": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || len(a.docs) > 1 || rows != a.docs[0].kids[len(a.docs[0].kids)-1] || a.open || slices.Contains(a.steps, "cell twice") || slices.Contains(a.steps, "list beside named cells") {
			return false
		}
		columns := list()
		for _, c := range a.table.Columns {
			columns.kids = append(columns.kids, str(c.Name))
		}
		for _, row := range rows.kids {
			for _, c := range a.table.Columns {
				if !slices.Contains(row.names, c.Name) {
					return false
				}
			}
		}
		for r, row := range rows.kids {
			array := list()
			for _, c := range a.table.Columns {
				array.kids = append(array.kids, row.kids[slices.Index(row.names, c.Name)])
			}
			rows.kids[r] = array
		}
		if a.IntN(2) == 0 {
			a.docs[0].names, a.docs[0].kids = append(a.docs[0].names, "columns"), append(a.docs[0].kids, columns)
		}
		return true
	},
	"rows by number": func(a *asked) bool {
		rows := a.inner()
		if rows == nil {
			return false
		}
		named := object()
		for i, row := range rows.kids {
			named.names, named.kids = append(named.names, strconv.Itoa(i+1)), append(named.kids, row)
		}
		*rows = *named
		return true
	},
	"wrong count": func(a *asked) bool {
		if len(a.docs) > 1 || a.harm {
			return false
		}
		n := len(a.truth) + 1 + a.IntN(3)
		a.docs[0].set("rows_on_sheet", []string{fmt.Sprint(n), fmt.Sprintf("%d.0", n), fmt.Sprintf("%q", fmt.Sprint(n)), fmt.Sprintf(`"%d rows"`, n), `"twelve"`, "NaN", "many"}[a.IntN(7)])
		a.harm = true
		return true
	},
	"numbers in other forms": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || a.harm { // new numbers in order would hide the harm of the step before
			return false
		}
		form := []string{"%d", "%d.0", `"%d."`, `"#%d"`, `"Row %d"`, `"%d)"`}[a.IntN(6)]
		n := 0
		for _, row := range rows.kids {
			if slices.ContainsFunc(row.names, func(name string) bool { return strings.EqualFold(name, "row") }) {
				n++
				row.set("row", fmt.Sprintf(form, n))
			}
		}
		return true
	},
	"row left out": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || len(rows.kids) < 2 || a.harm {
			return false
		}
		at := a.IntN(len(rows.kids))
		rows.kids = slices.Delete(rows.kids, at, at+1)
		a.harm, a.lossy = true, true
		return true
	},
	"row given again": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || a.harm { // for another that is missing, it would be a copy that reads as a whole
			return false
		}
		rows.kids = slices.Insert(rows.kids, a.IntN(len(rows.kids)+1), rows.kids[a.IntN(len(rows.kids))])
		a.harm = true
		return true
	},
	"cell twice": func(a *asked) bool {
		row := a.oneRow()
		if row == nil {
			return false
		}
		i := a.IntN(len(row.names))
		row.names, row.kids = append(row.names, row.names[i]), append(row.kids, str("other Q"))
		a.harm = true
		return true
	},
	"list beside named cells": func(a *asked) bool {
		row := a.oneRow()
		if row == nil {
			return false
		}
		cells := list()
		for range a.table.Columns {
			cells.kids = append(cells.kids, str("other Q"))
		}
		row.names, row.kids = append(row.names, []string{"cells", "values"}[a.IntN(2)]), append(row.kids, cells)
		a.harm = true
		return true
	},
	"rows twice": func(a *asked) bool {
		rows := a.inner()
		if rows == nil || len(rows.kids) < 2 || len(a.docs) > 1 {
			return false
		}
		i := slices.Index(a.docs[0].names, "rows")
		if i < 0 {
			return false
		}
		at := 1 + a.IntN(len(rows.kids)-1)
		a.docs[0].names, a.docs[0].kids = append(a.docs[0].names, "rows"), append(a.docs[0].kids, list(slices.Clone(rows.kids[at:])...))
		rows.kids = slices.Clip(rows.kids[:at])
		a.harm = true
		return true
	},
	"empty beside": func(a *asked) bool {
		if i := slices.Index(a.docs[0].names, "rows"); i >= 0 && a.docs[0].kind == '{' {
			a.docs[0].names[i] = "table"
			a.docs[0].names, a.docs[0].kids = slices.Insert(a.docs[0].names, 0, "rows"), slices.Insert(a.docs[0].kids, 0, list())
			a.harm = true
			return true
		}
		return false
	},
	"error instead": func(a *asked) bool {
		if len(a.docs) > 1 {
			return false
		}
		a.docs[0] = object("rows", []*node{list(), {token: "null"}}[a.IntN(2)], "error", str("The picture is too dark."))
		a.harm, a.lossy = true, true
		return true
	},
	"value beside": func(a *asked) bool {
		i := a.IntN(len(a.docs))
		if a.docs[i].kind != '{' {
			return false
		}
		a.docs[i].names, a.docs[i].kids = append(a.docs[i].names, "note"), append(a.docs[i].kids, str("stray Z"))
		a.truth, a.harm = append(a.truth, []string{"stray Z"}), true
		return true
	},
	"no value": func(a *asked) bool {
		cells := a.oneRowsCells()
		if cells == nil {
			return false
		}
		cells[a.IntN(len(cells))] = &node{token: []string{"NaN", "None", "undefined", "Infinity", ""}[a.IntN(5)]}
		a.harm, a.lossy = true, true
		return true
	},
	"no quotes": func(a *asked) bool {
		cells := a.oneRowsCells()
		if cells == nil {
			return false
		}
		cells[a.IntN(len(cells))] = &node{token: []string{"Lamp", "1,234", "12 pcs", "a b c", "3/4"}[a.IntN(5)]}
		a.harm, a.lossy = true, true
		return true
	},
	"half a character": func(a *asked) bool {
		row := a.oneRow()
		if row == nil {
			return false
		}
		i := a.IntN(len(row.kids))
		if row.kids[i].kind != 0 || !strings.HasPrefix(row.kids[i].token, `"`) {
			return false
		}
		row.kids[i] = &node{token: `"\ud83d` + row.kids[i].token[1:]}
		a.harm, a.lossy = true, true
		return true
	},
	"escaped twice": func(a *asked) bool {
		row := a.oneRow()
		if row == nil {
			return false
		}
		row.kids[a.IntN(len(row.kids))] = &node{token: []string{`"Caf\\u00e9"`, `"AT&amp;T"`, `"a \\n b"`}[a.IntN(3)]}
		a.harm, a.lossy = true, true
		return true
	},
	"characters that cannot be seen": func(a *asked) bool {
		row := a.oneRow()
		if row == nil {
			return false
		}
		i := a.IntN(len(row.kids))
		if row.kids[i].kind != 0 || !strings.HasPrefix(row.kids[i].token, `"`) || row.names[i] == "row" {
			return false
		}
		row.kids[i] = &node{token: `"\u200b` + strings.TrimSuffix(row.kids[i].token[1:], `"`) + `\ufeff"`}
		a.harm, a.hidden = true, true
		return true
	},
}

// ways change the text; each returns whether it could.
var ways = map[string]func(*asked) bool{
	"fence": func(a *asked) bool {
		a.text = "```json\n" + a.text + "\n```"
		return true
	},
	"words around": func(a *asked) bool {
		a.text = "Here is the table [as asked]:\n" + a.text + "\nDone."
		return true
	},
	"remark": func(a *asked) bool {
		remark := "Note: the last row is faded Q."
		if a.IntN(2) == 0 {
			a.text = remark + "\n" + a.text
		} else {
			a.text += "\n" + remark
		}
		a.truth, a.harm = append(a.truth, []string{"faded Q"}), true
		return true
	},
	"spaces": func(a *asked) bool {
		a.text = a.outside(func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0\n") })
		return true
	},
	"trailing commas": func(a *asked) bool {
		a.text = a.outside(func(s string) string {
			return strings.NewReplacer("}]", "},]", "]}", "],}").Replace(s)
		})
		return true
	},
	"no spaces": func(a *asked) bool {
		a.text = a.outside(func(s string) string { return strings.NewReplacer(", ", ",", ": ", ":").Replace(s) })
		return true
	},
	"missing commas": func(a *asked) bool {
		a.text = a.outside(func(s string) string { return strings.ReplaceAll(s, "}, {", "} {") })
		return true
	},
	"comment": func(a *asked) bool {
		n := 0
		a.text = a.outside(func(s string) string {
			if n++; n == 3 {
				return strings.Replace(s, ",", ", /* 3 more rows */ ", 1)
			}
			return s
		})
		a.harm = true
		return true
	},
	"cut off": func(a *asked) bool {
		from := strings.IndexAny(a.text, "{[\"")
		depth, inside := 0, false
		var cuts []int
		for i := from; i < len(a.text); i++ {
			switch c := a.text[i]; {
			case inside && c == '\\':
				i++
			case c == '"':
				inside = !inside
			case inside:
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
			}
			if depth > 0 || inside {
				cuts = append(cuts, i+1)
			}
		}
		if len(cuts) == 0 {
			return false
		}
		a.text = a.text[:cuts[a.IntN(len(cuts))]]
		a.harm, a.lossy = true, true
		return true
	},
	"token broken": func(a *asked) bool {
		if a.lossy {
			return false
		}
		var places []int
		inside := false
		for i := 0; i < len(a.text); i++ {
			switch c := a.text[i]; {
			case inside && c == '\\':
				i++
			case c == '"':
				inside = !inside
				places = append(places, i)
			case !inside && strings.IndexByte("{}[],:", c) >= 0:
				places = append(places, i)
			}
		}
		at := places[a.IntN(len(places))]
		switch a.IntN(3) {
		case 0:
			a.text = a.text[:at] + a.text[at+1:]
		case 1:
			a.text = a.text[:at] + a.text[at:at+1] + a.text[at:]
		case 2:
			a.text = a.text[:at] + string("{}[],:\"'x"[a.IntN(9)]) + a.text[at+1:]
		}
		a.harm, a.lossy = true, true
		return true
	},
}
