package edit

import (
	"context"
	"strconv"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// MaxGroup is how many edits one group may have.
const MaxGroup = 20_000

// ImageRequest is an edit of one image in a group of edits over several.
type ImageRequest struct {
	N int
	Request
}

// Grouped is the result of a group of edits.
type Grouped struct {
	Done    int           // edits that were carried out, now or by the same request before
	Refused map[int]error // by index: why an edit was not carried out
}

// EditGroup carries out edits of several images, those of an image in their order and as one compare-and-swap. If one of them is
// refused, because somebody else changed the value or the text is not allowed, the others of the image are carried out one by
// one. Every edit has the group, for UndoGroup; sent again with the same group, it does nothing.
func (s *Service) EditGroup(ctx context.Context, id batch.ID, group string, edits []ImageRequest) (Grouped, error) {
	g := Grouped{Refused: map[int]error{}}
	switch {
	case group == "" || len(group) > 64:
		return g, errs.New(errs.Invalid, "The change could not be read. Reload the page and try again.")
	case len(edits) > MaxGroup:
		return g, errs.New(errs.Invalid, "That is more than %d cells. Change fewer at a time.", MaxGroup)
	}
	var order []int
	of := map[int][]int{}
	for i := range edits {
		n := edits[i].N
		if of[n] == nil {
			order = append(order, n)
		}
		of[n] = append(of[n], i)
		edits[i].Group, edits[i].Token = group, group+"."+strconv.Itoa(i)
	}
	for _, n := range order {
		requests := make([]Request, len(of[n]))
		for j, i := range of[n] {
			requests[j] = edits[i].Request
		}
		_, err := s.Edit(ctx, id, n, requests...)
		if err == nil {
			g.Done += len(requests)
			continue
		}
		if !refused(err) {
			return g, err
		}
		for _, i := range of[n] {
			switch _, err := s.Edit(ctx, id, n, edits[i].Request); {
			case err == nil:
				g.Done++
			case refused(err):
				g.Refused[i] = err
			default:
				return g, err
			}
		}
	}
	return g, nil
}

// refused reports whether an edit was not carried out because of its value or its image, so that sending it again does not help.
func refused(err error) bool {
	return errs.Is(err, errs.Conflict) || errs.Is(err, errs.Invalid) || errs.Is(err, errs.NotFound)
}
