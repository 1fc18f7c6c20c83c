package imaging

import (
	"bytes"
	"context"
	"fmt"

	"sheetlift/internal/danger"
)

// Piece is a part of a long picture, over its whole width. Neighbours overlap.
type Piece struct {
	Data   []byte // JPEG
	MIME   string
	Width  int // pixels
	Height int
	Top    int // its first row in the whole picture
}

const (
	pieceHeight  = 2000 // maximum rows of a piece
	wholeHeight  = 3072 // maximum rows of a picture that is read as a whole, however slim
	cutMargin    = 500  // rows above the lowest possible cut that are searched for a blank one
	minOverlap   = 200  // minimum rows shared by neighbours
	maxOverlap   = 450  // maximum rows shared by neighbours
	pieceQuality = 90   // JPEG quality: a piece is compressed a second time
)

// InPieces reports whether a prepared picture of this size is read in pieces.
func InPieces(w, h int) bool { return h > longAspect*w && h > wholeHeight }

// Cut cuts a prepared picture from top to bottom into overlapping pieces, if possible between lines of writing, so
// that each line is whole in at least one piece. The same picture is always cut at the same rows. It first waits
// for its share of the memory budget of p, then does all of its work in a dangerous section.
func (p *Preparer) Cut(ctx context.Context, data []byte) ([]Piece, error) {
	up := newMemory(data)
	up.kind = Sniff(data)
	h, err := readHeader(up.kind, bytes.NewReader(data), up.size)
	if err != nil {
		return nil, fmt.Errorf("read prepared picture: %w", err)
	}
	need := min(max(p.minMemory, p.memoryFor(h)), p.limits.Memory)
	if err := p.memory.Acquire(ctx, need); err != nil {
		return nil, err
	}
	defer p.release(need)
	var all []Piece
	err = danger.Do(ctx, func() error {
		all, err = cutHere(ctx, h, up)
		return err
	})
	return all, err
}

// cutHere is Cut without waiting.
func cutHere(ctx context.Context, h header, up *upload) ([]Piece, error) {
	img, err := decodeHere(ctx, h, up)
	if err != nil {
		return nil, fmt.Errorf("open prepared picture: %w", err)
	}
	b := img.Bounds()
	pic := shrink(img, b.Dx(), b.Dy())
	var all []Piece
	for _, c := range cuts(inkEdges(pic.y)) {
		part := pic.rows(c.from, c.to)
		out, err := part.jpeg(pieceQuality)
		if err != nil {
			return nil, fmt.Errorf("write piece: %w", err)
		}
		all = append(all, Piece{Data: out, MIME: JPEG.mime(), Width: part.w, Height: part.h, Top: c.from})
	}
	return all, nil
}

// rowRange is a range of rows, to exclusive.
type rowRange struct{ from, to int }

// cuts divides rows into overlapping ranges, given the ink edges of each row. Ranges begin at even rows.
func cuts(busy []int) []rowRange {
	var all []rowRange
	for from := 0; ; {
		if len(busy)-from <= pieceHeight {
			return append(all, rowRange{from, len(busy)})
		}
		to := quietest(busy, from+pieceHeight-cutMargin, from+pieceHeight)
		all = append(all, rowRange{from, to})
		from = quietest(busy, to-maxOverlap, to-minOverlap) &^ 1
	}
}

// quietest returns the middle of the longest run of rows in a range that have the minimum count; the last of
// equally long runs.
func quietest(busy []int, from, to int) int {
	least := busy[from]
	for _, n := range busy[from:to] {
		least = min(least, n)
	}
	best, start := rowRange{from, from}, -1
	for y := from; y <= to; y++ {
		switch calm := y < to && busy[y] == least; {
		case calm && start < 0:
			start = y
		case !calm && start >= 0:
			if y-start >= best.to-best.from {
				best = rowRange{start, y}
			}
			start = -1
		}
	}
	return (best.from + best.to) / 2
}

// edge is the minimum difference of neighbouring pixels that counts as an edge of ink.
const edge = 40

// inkEdges counts the edges of ink in each row, except those that the rows 12 above and below have too: ruling
// lines between columns also cross the gaps between lines of writing.
func inkEdges(p plane) []int {
	const away = 12
	count := make([]int, p.h)
	for y := range p.h {
		row, above, below := p.row(y), p.row(max(y-away, 0)), p.row(min(y+away, p.h-1))
		for x := 1; x < p.w; x++ {
			if isEdge(row, x) && !(isEdge(above, x) && isEdge(below, x)) {
				count[y]++
			}
		}
	}
	return count
}

func isEdge(row []byte, x int) bool {
	d := int(row[x]) - int(row[x-1])
	return max(d, -d) >= edge
}
