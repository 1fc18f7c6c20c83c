package witness

// span is the lines that a row stands on: from first, count of them; count 0 for none.
type span struct{ first, count int }

// maxPairs bounds the pairs of rows and lines that are compared, and so memory and time: 64 MB, a second or two. 2,000 rows on as
// many lines are within it.
const maxPairs = 4_000_000

// maxLines is how many lines of the witness one row may stand on, when its cells are wrapped.
const maxLines = 3

// align gives each row its lines, in the order of both.
func align(rows, lines []line) []span {
	n, m := len(rows), len(lines)
	overlap := overlaps(rows, lines)
	best := make([][]float64, n+1)
	step := make([][]int, n+1) // 0: the row has no lines; -1: the line has no row; w: the row has w lines
	for i := range best {
		best[i], step[i] = make([]float64, m+1), make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			best[i][j], step[i][j] = best[i+1][j], 0
			if best[i][j+1] > best[i][j] {
				best[i][j], step[i][j] = best[i][j+1], -1
			}
			for w := 1; w <= maxLines && j+w <= m; w++ {
				share := overlap(i, j, w)
				if share < rowsFrom {
					continue
				}
				if s := share - 0.05*float64(w-1) + best[i+1][j+w]; s > best[i][j] {
					best[i][j], step[i][j] = s, w
				}
			}
		}
	}
	spans := make([]span, n)
	for i, j := 0, 0; i < n && j < m; {
		switch w := step[i][j]; w {
		case 0:
			i++
		case -1:
			j++
		default:
			spans[i] = span{j, w}
			i, j = i+1, j+w
		}
	}
	return spans
}

// overlaps returns a function that reports the share of row i's characters whose words stand on w lines from j, each word of
// the lines used once. Lines with much more than the row have a lower share: they may be those of another row.
func overlaps(rows, lines []line) func(i, j, w int) float64 {
	words := make([]map[string]int, len(rows))
	for i, r := range rows {
		words[i] = count(r.fold)
	}
	type window struct {
		words map[string]int
		size  int
	}
	windows := make([][maxLines]window, len(lines))
	for j := range lines {
		var fold []string
		size := 0
		for w := 1; w <= maxLines && j+w <= len(lines); w++ {
			fold, size = append(fold, lines[j+w-1].fold...), size+lines[j+w-1].size
			windows[j][w-1] = window{count(fold), size}
		}
	}
	return func(i, j, w int) float64 {
		if rows[i].size == 0 {
			return 0
		}
		found, seen := 0, windows[j][w-1]
		for word, n := range words[i] {
			found += min(n, seen.words[word]) * len([]rune(word))
		}
		return float64(found) / float64(max(rows[i].size, seen.size*2/3))
	}
}

func count(words []string) map[string]int {
	all := make(map[string]int, len(words))
	for _, w := range words {
		all[w]++
	}
	return all
}
