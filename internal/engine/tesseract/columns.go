package tesseract

// span is a stretch of the page's width, right exclusive.
type span struct{ left, right int }

// valleyShare is the part of the lines that may cross a gap between two columns: headers over several columns and long
// labels do.
const valleyShare = 0.15

// columnsOf finds the columns as the stretches between the valleys of ink: places that few of the lines with several
// segments cover.
func columnsOf(lines []line, width int) []span {
	counts := make([]int, width+1)
	voters := 0
	for _, l := range lines {
		if len(l.segments) < 2 {
			continue
		}
		voters++
		for _, s := range l.segments {
			for x := max(s.left, 0); x < min(s.right, width); x++ {
				counts[x]++
			}
		}
	}
	limit := int(valleyShare * float64(voters))
	var columns []span
	from := -1
	for x, c := range counts {
		switch {
		case c > limit && from < 0:
			from = x
		case c <= limit && from >= 0:
			columns = append(columns, span{from, x})
			from = -1
		}
	}
	if from >= 0 {
		columns = append(columns, span{from, width})
	}
	return columns
}

// columnFor returns the column that b covers most, or lies nearest to.
func columnFor(columns []span, b box) int {
	best, most := 0, -1<<30
	for i, c := range columns {
		if o := b.overlapX(c.left, c.right); o > most {
			best, most = i, o
		}
	}
	return best
}
