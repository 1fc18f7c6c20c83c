package layout

// MarkLost counts in each cell the pieces of ink that were not read.
func (g Grid) MarkLost(lost []Box, h int) {
	columns := g.columns()
	rows := make([]band, len(g.Rows))
	for i, row := range g.Rows {
		rows[i] = bandOf(row)
	}
	for _, b := range lost {
		i := rowAt(rows, b.MidY())
		if i < 0 {
			continue
		}
		best, least := -1, h
		for j, c := range g.Rows[i] {
			away := max(columns[j].left-b.MidX(), b.MidX()-columns[j].right, 0)
			if !c.Empty() {
				away = max(c.Left-b.Right, b.Left-c.Right, 0)
			}
			if away < least {
				best, least = j, away
			}
		}
		if best >= 0 {
			g.Rows[i][best].lost++
		}
	}
}

// band is the height of the page that a row takes, and that at which most of its cells stand.
type band struct{ top, bottom, middle int }

func bandOf(row []Cell) band {
	var all Box
	var middles []int
	for _, c := range row {
		all = all.Union(c.Box)
		if !c.Empty() {
			middles = append(middles, c.MidY())
		}
	}
	return band{all.Top, all.Bottom, Median(middles)}
}

// rowAt is the row at a height of the page, -1 for none. A label of several lines reaches over the rows beside it.
func rowAt(rows []band, y int) int {
	best := -1
	for i, r := range rows {
		if y >= r.top && y < r.bottom && (best < 0 || abs(y-r.middle) < abs(y-rows[best].middle)) {
			best = i
		}
	}
	return best
}

// columns are the stretches that the cells of each column take, those over several columns apart.
func (g Grid) columns() []span {
	if len(g.Rows) == 0 {
		return nil
	}
	all := make([]span, len(g.Rows[0]))
	for j := range all {
		for _, row := range g.Rows {
			c := row[j]
			if c.Empty() || c.over > 1 {
				continue
			}
			if all[j] == (span{}) {
				all[j] = span{c.Left, c.Right}
			}
			all[j] = span{min(all[j].left, c.Left), max(all[j].right, c.Right)}
		}
	}
	return all
}
