package pieces_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/pieces"
	"sheetlift/internal/imaging"
	"sheetlift/internal/table"
)

const (
	width   = 500
	rowHigh = 50
)

// sheet is a long screenshot: rows of ink, 50 pixels apart. The shade of a row's mark encodes its number.
type sheet struct {
	picture []byte
	height  int
	rows    [][]string
}

func drawSheet(t testing.TB, rows [][]string) sheet {
	t.Helper()
	s := sheet{height: rowHigh * len(rows), rows: rows}
	m := image.NewGray(image.Rect(0, 0, width, s.height))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for i := range rows {
		for y := i*rowHigh + 15; y < i*rowHigh+35; y++ {
			for x := 20; x < 480; x += 2 {
				m.SetGray(x, y, color.Gray{0})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	s.picture = b.Bytes()
	return s
}

// reader is an engine that sees exactly the rows that lie completely inside its piece.
type reader struct {
	t     testing.TB
	sheet sheet
	boxes bool
	wrong map[[2]int]string // misread texts, by call and row of the sheet
	skip  map[[2]int]bool   // rows that it misses
	free  map[int]bool      // calls with an unknown price, from 1
	fails int               // the call that fails, from 1

	calls  int
	begun  int
	tables []table.Table
	cut    []imaging.Piece
}

func (r *reader) Name() string { return "reader" }

func (r *reader) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	if err := req.Begun(ctx, fmt.Sprintf("key %d", r.calls)); err != nil {
		return nil, err
	}
	piece := r.cut[r.calls]
	r.calls++
	r.tables = append(r.tables, req.Table)
	if !bytes.Equal(piece.Data, req.Picture) || req.Width != piece.Width || req.Height != piece.Height || req.MIME != "image/jpeg" {
		r.t.Errorf("call %d got another picture than piece %d", r.calls, r.calls)
	}
	usage := engine.Usage{PromptTokens: 100, OutputTokens: 10, USD: 0.5, Priced: true}
	if r.free[r.calls] {
		usage.USD, usage.Priced = 0, false
	}
	if r.calls == r.fails {
		return nil, &engine.Failure{Why: engine.BadAnswer, Message: "No.", Usage: usage}
	}
	got := &engine.Reading{Model: "m", Key: "k", Usage: usage, Text: fmt.Sprintf("piece %d", r.calls)}
	if req.Table.Open {
		got.Columns = []string{"Item", "Qty"}
	}
	for i, cells := range r.sheet.rows {
		top, bottom := i*rowHigh+10-piece.Top, i*rowHigh+40-piece.Top
		if top < 0 || bottom > piece.Height || r.skip[[2]int{r.calls, i}] {
			continue
		}
		row := table.Row{}
		for _, text := range cells {
			row.Cells = append(row.Cells, table.Cell{Text: text, State: table.Read})
		}
		if text, ok := r.wrong[[2]int{r.calls, i}]; ok {
			row.Cells[0].Text = text
		}
		if r.boxes {
			row.Box = &table.Box{Top: top * 1000 / piece.Height, Left: 40, Bottom: bottom * 1000 / piece.Height, Right: 960}
		}
		got.Rows = append(got.Rows, row)
	}
	got.Issues = []table.Issue{{Row: -1, Column: -1, Kind: table.KindOffline, Message: "Read offline."}}
	return got, nil
}

func (r *reader) read(t testing.TB, want table.Table) (*engine.Reading, error) {
	t.Helper()
	if r.t = t; r.cut == nil {
		var err error
		if r.cut, err = imaging.New(imaging.Limits{}).Cut(t.Context(), r.sheet.picture); err != nil {
			t.Fatal(err)
		}
	}
	return pieces.ReadAll(t.Context(), r, engine.Request{
		Picture: r.sheet.picture, MIME: "image/png", Width: width, Height: r.sheet.height, Table: want,
		Begin: func(context.Context, string) error { r.begun++; return nil },
	}, r.cut)
}

func numbered(n int) (rows [][]string) {
	for i := range n {
		rows = append(rows, []string{fmt.Sprintf("item %d", i), fmt.Sprint(i % 3)})
	}
	return rows
}

var items = table.Table{Columns: []table.Column{{Name: "Item", Type: table.Text}, {Name: "Qty", Type: table.Number}}}

func text(rows []table.Row) string {
	var b strings.Builder
	for _, r := range rows {
		for _, c := range r.Cells {
			b.WriteString(c.Text + "|")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func want(rows [][]string) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.Join(r, "|") + "|\n")
	}
	return b.String()
}

// doubts returns all issues except the one about the image that each piece has.
func doubts(r *engine.Reading) []table.Issue {
	var all []table.Issue
	for _, i := range r.Issues {
		if i.Kind != table.KindOffline {
			all = append(all, i)
		}
	}
	return all
}

func TestALongPictureIsReadInPiecesAndMergedAsOne(t *testing.T) {
	t.Parallel()
	for _, boxes := range []bool{true, false} {
		r := &reader{sheet: drawSheet(t, numbered(240)), boxes: boxes} // 12,000 pixels
		got, err := r.read(t, items)
		if err != nil {
			t.Fatal(err)
		}
		if text(got.Rows) != want(r.sheet.rows) {
			t.Errorf("boxes %t: rows are\n%s", boxes, text(got.Rows))
		}
		if d := doubts(got); len(d) > 0 || len(got.Issues) != 1 {
			t.Errorf("boxes %t: doubts %+v", boxes, got.Issues)
		}
		if r.calls < 6 || r.calls > 9 || r.begun != 1 {
			t.Errorf("%d calls, begun %d times", r.calls, r.begun)
		}
		if u := got.Usage; u.PromptTokens != 100*r.calls || u.OutputTokens != 10*r.calls || u.USD != 0.5*float64(r.calls) {
			t.Errorf("%d calls cost %+v", r.calls, u)
		}
		for i, row := range got.Rows {
			if !boxes {
				break
			}
			if middle := (row.Box.Top + row.Box.Bottom) * r.sheet.height / 2000; max(middle-i*rowHigh-25, i*rowHigh+25-middle) > 15 {
				t.Errorf("row %d is lit at %d", i, middle)
			}
		}
	}
}

func TestEqualRowsAreNeitherLostNorDoubled(t *testing.T) {
	t.Parallel()
	rows := make([][]string, 240)
	for i := range rows {
		rows[i] = []string{"water", "1"}
	}
	r := &reader{sheet: drawSheet(t, rows), boxes: true}
	got, err := r.read(t, items)
	if err != nil || len(got.Rows) != 240 {
		t.Fatalf("%d rows of 240, %v", len(got.Rows), err)
	}
	// Without positions the overlap is ambiguous: no row is lost, and each seam has an issue.
	r = &reader{sheet: r.sheet, cut: r.cut}
	if got, err = r.read(t, items); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) < 240 || len(doubts(got)) != r.calls-1 {
		t.Errorf("%d rows of 240 with %d doubts of %d calls", len(got.Rows), len(doubts(got)), r.calls)
	}
}

// TestNoRowOfALongPictureIsLostWithoutADoubt lets an engine miss and misread rows at random.
func TestNoRowOfALongPictureIsLostWithoutADoubt(t *testing.T) {
	t.Parallel()
	s := drawSheet(t, numbered(200))
	random := rand.New(rand.NewPCG(5, 6))
	var cut []imaging.Piece
	for range 200 {
		r := &reader{sheet: s, cut: cut, boxes: true, wrong: map[[2]int]string{}, skip: map[[2]int]bool{}}
		for range 60 {
			r.skip[[2]int{1 + random.IntN(8), random.IntN(200)}] = true
			r.wrong[[2]int{1 + random.IntN(8), random.IntN(200)}] = "misread"
		}
		got, err := r.read(t, items)
		if err != nil {
			t.Fatal(err)
		}
		cut = r.cut
		seen := map[int]int{}
		for i, row := range got.Rows {
			n := (row.Box.Top + row.Box.Bottom) * s.height / 2000 / rowHigh
			seen[n]++
			doubtful := false
			for _, d := range got.Issues {
				doubtful = doubtful || d.Row == i
			}
			if seen[n] > 1 && !doubtful {
				t.Fatalf("row %d stands twice without a doubt", n)
			}
			if i > 0 && row.Box.Top+40 < got.Rows[i-1].Box.Top {
				t.Fatalf("row %d is out of order", n)
			}
		}
		for n := range s.rows {
			shown := 0
			for i, piece := range r.cut {
				if n*rowHigh+10 >= piece.Top && n*rowHigh+40 <= piece.Top+piece.Height && !r.skip[[2]int{i + 1, n}] {
					shown++
				}
			}
			if shown > 0 && seen[n] == 0 {
				t.Fatalf("row %d was read in %d pieces and is lost", n, shown)
			}
		}
	}
}

func TestAnOverlapThatDoesNotAgreeIsADoubt(t *testing.T) {
	t.Parallel()
	r := &reader{sheet: drawSheet(t, numbered(100)), boxes: true}
	if _, err := r.read(t, items); err != nil {
		t.Fatal(err)
	}
	shared := r.cut[1].Top/rowHigh + 2 // a row inside both of the first two pieces
	r = &reader{sheet: r.sheet, cut: r.cut, boxes: true, wrong: map[[2]int]string{{2, shared}: "itern"}}
	got, err := r.read(t, items)
	if err != nil {
		t.Fatal(err)
	}
	if d := doubts(got); len(d) != 1 || d[0].Row != shared || d[0].Column != 0 || !strings.Contains(d[0].Message, "itern") {
		t.Errorf("doubts: %+v", d)
	}
	r = &reader{sheet: r.sheet, cut: r.cut, boxes: true, skip: map[[2]int]bool{{2, shared}: true}}
	if got, err = r.read(t, items); err != nil {
		t.Fatal(err)
	}
	if d := doubts(got); len(got.Rows) != 100 || len(d) != 1 || d[0].Row != shared {
		t.Errorf("%d rows, doubts: %+v", len(got.Rows), d)
	}
}

func TestTheFirstPieceThatFailsFailsTheTryAndItsCostIsKept(t *testing.T) {
	t.Parallel()
	r := &reader{sheet: drawSheet(t, numbered(100)), fails: 2}
	_, err := r.read(t, items)
	f, ok := errors.AsType[*engine.Failure](err)
	if !ok || f.Why != engine.BadAnswer || f.Usage.PromptTokens != 200 || f.Usage.USD != 1 || r.calls != 2 || r.begun != 1 {
		t.Errorf("%+v after %d calls, begun %d times", err, r.calls, r.begun)
	}
}

func TestOnlyTheFirstPieceOfAnOpenTableNamesItsColumns(t *testing.T) {
	t.Parallel()
	r := &reader{sheet: drawSheet(t, numbered(100)), boxes: true}
	got, err := r.read(t, table.Table{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Columns) != "[Item Qty]" || len(got.Rows) != 100 {
		t.Errorf("%v, %d rows", got.Columns, len(got.Rows))
	}
	for i, asked := range r.tables {
		if asked.Open != (i == 0) || i > 0 && (len(asked.Columns) != 2 || asked.Columns[1].Name != "Qty") {
			t.Errorf("piece %d was asked for %+v", i+1, asked)
		}
	}
}

func TestTheFieldsOfALongReceiptAreOneRow(t *testing.T) {
	t.Parallel()
	rows := make([][]string, 80) // empty except for the first and the last row
	for i := range rows {
		rows[i] = []string{"", ""}
	}
	rows[0], rows[79] = []string{"Shop", ""}, []string{"", "12.50"}
	r := &oneRow{reader{sheet: drawSheet(t, rows)}}
	cut, err := imaging.New(imaging.Limits{}).Cut(t.Context(), r.sheet.picture)
	if err != nil {
		t.Fatal(err)
	}
	r.cut, r.t = cut, t
	single := items
	single.Single = true
	got, err := pieces.Read(t.Context(), imaging.New(imaging.Limits{}), r, engine.Request{Picture: r.sheet.picture, Width: width, Height: r.sheet.height, Table: single})
	if err != nil || text(got.Rows) != "Shop|12.50|\n" || len(doubts(got)) > 0 {
		t.Errorf("%q, %+v, %v", text(got.Rows), got, err)
	}
}

// oneRow reads the filled cells of a piece as one row.
type oneRow struct{ reader }

func (o *oneRow) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	got, err := o.reader.Read(ctx, req)
	if err != nil {
		return nil, err
	}
	one := table.Row{Cells: []table.Cell{{State: table.Blank}, {State: table.Blank}}}
	for _, r := range got.Rows {
		for i, c := range r.Cells {
			if c.Text != "" {
				one.Cells[i] = c
			}
		}
	}
	got.Rows = []table.Row{one}
	return got, nil
}

func TestAPictureThatIsNotLongIsReadAsAWhole(t *testing.T) {
	t.Parallel()
	if pieces.Asks(1000, 3000) != "" || pieces.Asks(3000, 300) != "" || pieces.Asks(500, 12_000) == "" {
		t.Error("the question does not say whether a picture is cut")
	}
	r := &whole{}
	if _, err := pieces.Read(t.Context(), nil, r, engine.Request{Picture: []byte("x"), Width: 1000, Height: 3000, Table: items}); err != nil || r.calls != 1 {
		t.Errorf("%d calls, %v", r.calls, err)
	}
}

type whole struct{ calls int }

func (w *whole) Name() string { return "whole" }

func (w *whole) Read(context.Context, engine.Request) (*engine.Reading, error) {
	w.calls++
	return &engine.Reading{}, nil
}

func TestALongPictureIsPricedOnlyWhenEachOfItsPiecesIs(t *testing.T) {
	t.Parallel()
	rows := make([][]string, 80)
	for i := range rows {
		rows[i] = []string{fmt.Sprint("item ", i), "1"}
	}
	long := drawSheet(t, rows)
	cut, err := imaging.New(imaging.Limits{}).Cut(t.Context(), long.picture)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		free   map[int]bool
		usd    float64
		priced bool
	}{
		{nil, 1.5, true}, {map[int]bool{1: true}, 1, false}, {map[int]bool{2: true}, 1, false}, {map[int]bool{3: true}, 1, false},
	} {
		r := &reader{sheet: long, free: c.free, cut: cut}
		if got, err := r.read(t, items); err != nil || got.Usage.USD != c.usd || got.Usage.Priced != c.priced {
			t.Errorf("no price of %v: %+v, %v", c.free, got, err)
		}
		r = &reader{sheet: long, free: c.free, cut: cut, fails: 3}
		_, err = r.read(t, items)
		if f, ok := errors.AsType[*engine.Failure](err); !ok || f.Usage.USD != c.usd || f.Usage.Priced != c.priced {
			t.Errorf("a failure, no price of %v: %v", c.free, err)
		}
	}
}
