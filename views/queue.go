package views

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// queueData are the sentences and addresses that the queue's script needs.
func queueData(ctx context.Context, v Queue) templ.Attributes {
	data := templ.Attributes{
		"data-batch": v.Batch, "data-kind": v.Kind, "data-first": v.Question.ID, "data-unread": T(ctx, "image.unread"),
		"data-alt": T(ctx, "image.alt", "{name}"),
	}
	for _, key := range []string{"settled", "offline", "stays", "again", "undone", "nothing", "clash", "refused", "reading", "blank", "done"} {
		data["data-"+key] = T(ctx, "queue.told."+key)
	}
	for _, kind := range []string{"rule", "guessed", "unreadable", "rows"} {
		data["data-kind-"+kind] = T(ctx, "queue.kind."+kind+".one")
	}
	return data
}

// boxOf returns the numbers of a box: left, top, right, bottom.
func boxOf(box string) (b [4]float64, ok bool) {
	parts := strings.Fields(box)
	if len(parts) != 4 {
		return b, false
	}
	for i, p := range parts {
		b[i], _ = strconv.ParseFloat(p, 64) // written by this program
	}
	return b, true
}

// rectOf returns the place of a box on the picture, a little larger than the box.
func rectOf(box string, wide, tall float64) templ.Attributes {
	b, ok := boxOf(box)
	if !ok {
		return templ.Attributes{"width": "0", "height": "0"}
	}
	return templ.Attributes{
		"x": fmt.Sprint(b[0] - wide), "y": fmt.Sprint(b[1] - tall), "width": fmt.Sprint(b[2] - b[0] + 2*wide), "height": fmt.Sprint(b[3] - b[1] + 2*tall),
	}
}

// cropOf returns the part of the picture around a cell, or around its row, as a viewBox; "" if the place is unknown.
func cropOf(box, band string, s Sheet) string {
	b, ok := boxOf(box)
	if !ok {
		if b, ok = boxOf(band); !ok {
			return ""
		}
	}
	w, h := float64(s.Width)/1000, float64(s.Height)/1000
	tall := (b[3] - b[1]) * h * 1.8
	wide := max(tall*7, (b[2]-b[0])*w+tall)
	return fmt.Sprintf("%.1f %.1f %.1f %.1f", b[0]*w-tall/2, (b[1]+b[3])/2*h-tall/2, wide, tall)
}

func answered(v Finished) int { return v.Right + v.Changed + v.Unreadable }

func finishedTitle(ctx context.Context, v Finished) string {
	switch n := answered(v); {
	case v.Reading > 0:
		return T(ctx, "queue.end.sofar")
	case n == 0:
		return T(ctx, "queue.end.none")
	default:
		return many(ctx, "queue.end", n)
	}
}

// parts are the segments of the bar of answers.
func parts(v Finished) []Segment {
	all, from := float64(answered(v)), 0.0
	var out []Segment
	for _, p := range []struct {
		class string
		n     int
	}{{"completed", v.Right}, {"processing", v.Changed}, {"failed", v.Unreadable}} {
		out = append(out, Segment{p.class, at(from, all), at(float64(p.n), all)})
		from += float64(p.n)
	}
	return out
}

// ReadBy names the reader of a picture: the model, or the engine if it has none.
func ReadBy(ctx context.Context, engine, model string) string {
	if model != "" {
		return T(ctx, "queue.by", model)
	}
	return T(ctx, "queue.by", engineName(ctx, engine))
}
