package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// A tag is the ETag of an answer: two digests with a hyphen between. The first one is of the fields that a PATCH can change. It alone
// is compared by If-Match, so that progress refuses nobody's change; for an answer that no PATCH changes it is "0". The second one
// is of the whole answer, without the fields that pass with time alone.

// digest returns a short digest of the JSON form of v.
func digest(v any) (string, error) {
	data, err := json.Marshal(v)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8]), err
}

// nothingToChange is the first part of the tag of an answer that no PATCH changes.
const nothingToChange = "0"

// tagOf returns the tag of an answer with the content told; changeable is "0" or the first part.
func tagOf(changeable string, told any) (string, error) {
	d, err := digest(told)
	return `"` + changeable + "-" + d + `"`, err
}

// changeableOf returns the first part of the tag of a batch.
func changeableOf(b *batch.Batch) (string, error) {
	marks := map[string]string{}
	for _, c := range b.Table.Columns {
		if c.Decimal != "" {
			marks[c.Name] = string(c.Decimal)
		}
	}
	return digest([]any{b.Name, word(b.Priority), b.Options, b.Model, b.Thinking, marks})
}

// changeableOfImage returns the first part of the tag of an image.
func changeableOfImage(m *batch.Image) (string, error) {
	return digest([]any{m.Name, word(m.Priority)})
}

// given returns the tags in a header, without their quotation marks and without the W/ of a proxy that compresses.
func given(c echo.Context, header string) []string {
	var all []string
	for _, tag := range strings.Split(strings.Join(c.Request().Header.Values(header), ","), ",") {
		if tag = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tag), "W/"), `"`); tag != "" {
			all = append(all, tag)
		}
	}
	return all
}

// known reports whether the caller of a GET has the answer with this tag already.
func known(c echo.Context, tag string) bool {
	if c.Request().Method != http.MethodGet {
		return false
	}
	for _, has := range given(c, "If-None-Match") {
		if has == "*" || `"`+has+`"` == tag {
			return true
		}
	}
	return false
}

// send answers with v under its tag, or 304 if the caller has it already.
func send(c echo.Context, tag string, v any) error {
	c.Response().Header().Set("ETag", tag)
	if known(c, tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSON(http.StatusOK, v)
}

// sendTagged is send for an answer that no PATCH changes.
func sendTagged(c echo.Context, v any) error {
	tag, err := tagOf(nothingToChange, v)
	if err != nil {
		return err
	}
	return send(c, tag, v)
}

// condition returns the check of If-Match for a change: Changed if no given tag begins with the result of changeable for the
// stored value. It returns nil, which is no condition, without the header or for any tag.
func condition[T any](c echo.Context, changeable func(T) (string, error)) func(T) error {
	tags := given(c, "If-Match")
	if len(c.Request().Header.Values("If-Match")) == 0 || len(tags) == 1 && tags[0] == "*" {
		return nil
	}
	return func(stored T) error {
		now, err := changeable(stored)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			if part, _, _ := strings.Cut(tag, "-"); part == now {
				return nil
			}
		}
		return errs.At("header.If-Match", errs.New(errs.Changed, "This was changed meanwhile, and your change was not made. Load it again, then decide whether to change it."))
	}
}
