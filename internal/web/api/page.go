package api

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/errs"
)

// maxLimit is the most entries of a list that one request may ask for.
const maxLimit = 1000

// A cursor is the place after an entry of a list: the list's name and the fields of the place, joined by points, in base64. It
// names the last entry that was sent and not a count of entries: entries that are added or removed before it repeat and skip none.

// cursorOf returns the cursor of a list.
func cursorOf(list string, place ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + "." + strings.Join(place, ".")))
}

// placeIn returns the fields of a cursor, or false if it is not one of that list with so many fields.
func placeIn(cursor, list string, fields int) ([]string, bool) {
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.Split(string(data), ".")
	if err != nil || len(parts) != fields+1 || parts[0] != list {
		return nil, false
	}
	return parts[1:], true
}

func wrongCursor() error {
	return errs.At("query.cursor", errs.New(errs.Invalid, "cursor is not one that this address gave. Leave it out to begin at the start."))
}

// limitOf returns how many entries a request wants at most; 0 is all.
func limitOf(c echo.Context) (int, error) {
	text := c.QueryParam("limit")
	if text == "" {
		return 0, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, errs.At("query.limit", errs.New(errs.Invalid, "limit is %q; use a whole number from 1 to %d.", text, maxLimit))
	}
	return limit, nil
}

// numbersIn returns the fields of the cursor of a request as numbers from 0; nil without a cursor.
func numbersIn(c echo.Context, list string, fields int) ([]int, error) {
	text := c.QueryParam("cursor")
	if text == "" {
		return nil, nil
	}
	place, ok := placeIn(text, list, fields)
	if !ok {
		return nil, wrongCursor()
	}
	var all []int
	for _, field := range place {
		n, err := strconv.Atoi(field)
		if err != nil || n < 0 {
			return nil, wrongCursor()
		}
		all = append(all, n)
	}
	return all, nil
}

// pageOfBatches returns the batches after the cursor of a request, up to its limit, and the cursor of the next ones; "" if there are
// none. all is sorted as by Overviews.
func pageOfBatches(c echo.Context, all []progress.Overview) (page []progress.Overview, next string, err error) {
	limit, err := limitOf(c)
	if err != nil {
		return nil, "", err
	}
	if text := c.QueryParam("cursor"); text != "" {
		place, ok := placeIn(text, "batches", 2)
		if !ok {
			return nil, "", wrongCursor()
		}
		created, err := strconv.ParseInt(place[0], 10, 64)
		if err != nil {
			return nil, "", wrongCursor()
		}
		for len(all) > 0 && !comesAfter(all[0].Batch, created, batch.ID(place[1])) {
			all = all[1:]
		}
	}
	if limit == 0 || len(all) <= limit {
		return all, "", nil
	}
	last := all[limit-1].Batch
	return all[:limit], cursorOf("batches", strconv.FormatInt(last.Created.UnixNano(), 10), string(last.ID)), nil
}

// comesAfter reports whether b is listed after the batch id that was created at that time.
func comesAfter(b *batch.Batch, created int64, id batch.ID) bool {
	at := b.Created.UnixNano()
	return at < created || at == created && b.ID > id
}

// pageOfImages is pageOfBatches for the images of a batch, in its order.
func pageOfImages(c echo.Context, images []*batch.Image) (page []*batch.Image, next string, err error) {
	limit, err := limitOf(c)
	if err != nil {
		return nil, "", err
	}
	place, err := numbersIn(c, "images", 2)
	if err != nil {
		return nil, "", err
	}
	from := 0
	if place != nil {
		at, there := indexOf(images, place[0], place[1])
		if from = at; there {
			from++
		}
	}
	to := len(images)
	if limit > 0 && to-from > limit {
		to = from + limit
		next = cursorOf("images", strconv.Itoa(images[to-1].N), strconv.Itoa(to-1))
	}
	return images[from:to], next, nil
}

// indexOf returns the index of image n, or the index at which it was if it has been removed from a draft since.
func indexOf(images []*batch.Image, n, was int) (at int, there bool) {
	for i, m := range images {
		if m.N == n {
			return i, true
		}
	}
	return min(was, len(images)), false
}

// pageOfRows is pageOfBatches for the rows of a batch, image by image in its order.
func pageOfRows(c echo.Context, b *batch.Batch, images []*batch.Image) (page []rowInfo, next string, err error) {
	limit, err := limitOf(c)
	if err != nil {
		return nil, "", err
	}
	place, err := numbersIn(c, "rows", 3)
	if err != nil {
		return nil, "", err
	}
	from, sent := 0, 0 // rows of the first image that were sent already
	if place != nil {
		at, there := indexOf(images, place[0], place[1])
		if from = at; there {
			sent = place[2]
		}
	}
	page = []rowInfo{}
	last := ""
	for i := from; i < len(images); i++ {
		for _, row := range newRows(b.Table, images[i]) {
			switch {
			case i == from && row.Row <= sent:
				continue
			case limit > 0 && len(page) == limit:
				return page, last, nil
			}
			page = append(page, row)
			if len(page) == limit {
				last = cursorOf("rows", strconv.Itoa(row.Image), strconv.Itoa(i), strconv.Itoa(row.Row))
			}
		}
	}
	return page, "", nil
}
