package web

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/views"
)

// uploadImage takes one picture into a draft: the raw file as body, its name and place as query. The browser's own id
// in the address makes sending it again harmless. It answers once the picture is durable.
func (s *Server) uploadImage(c echo.Context) error { return s.patient(s.takeUpload)(c) }

func (s *Server) takeUpload(c echo.Context) error {
	r := c.Request()
	filename := c.QueryParam("filename")
	// Which limit holds shows the file's content; here only what exceeds both is refused.
	if r.ContentLength > s.cfg.MaxPacked {
		c.Response().Header().Set("Connection", "close") // the rest is not worth reading
		return tooLarge(filename, s.cfg.MaxPacked)
	}
	position, err := strconv.Atoi(orZero(c.QueryParam("position")))
	if err != nil {
		return errs.New(errs.Invalid, "The position must be a number.")
	}
	taken, err := s.batches.AddImages(r.Context(), batch.ID(c.Param("id")), batch.Upload{
		ID: c.Param("upload"), Filename: filename, Name: c.QueryParam("name"), Position: position,
		Folder: c.QueryParam("folder"), Dated: datedOf(c.QueryParam("dated")),
		Body: http.MaxBytesReader(c.Response(), r.Body, s.cfg.MaxPacked+1),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, answerTaken(r.Context(), c.Param("upload"), taken))
}

// uploaded is the answer to an upload: the images that it became, and what of it could not be used.
type uploaded struct {
	ID      string          `json:"id"` // the sender's own
	Images  []uploadedImage `json:"images"`
	Refused []string        `json:"refused"`
}

type uploadedImage struct {
	N        int          `json:"n"`
	Page     int          `json:"page,omitempty"` // of the document that it came out of
	Name     string       `json:"name"`
	Filename string       `json:"filename"`
	Width    int          `json:"width"`
	Height   int          `json:"height"`
	Notes    []noteOnPage `json:"notes"`
}

type noteOnPage struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func answerTaken(ctx context.Context, id string, t *batch.Taken) uploaded {
	answer := uploaded{ID: id, Images: make([]uploadedImage, 0, len(t.Images)), Refused: make([]string, 0, len(t.Refused))}
	for _, m := range t.Images {
		one := uploadedImage{
			N: m.N, Page: m.Page, Name: m.Name, Filename: m.Filename, Width: m.Picture.Width, Height: m.Picture.Height,
			Notes: make([]noteOnPage, 0, len(m.Picture.Notes)),
		}
		for _, n := range m.Picture.Notes {
			one.Notes = append(one.Notes, noteOnPage{n.Kind, views.Retell(ctx, n.Message)})
		}
		answer.Images = append(answer.Images, one)
	}
	for _, why := range t.Refused {
		answer.Refused = append(answer.Refused, views.Retell(ctx, why))
	}
	return answer
}

// uploads tells a script which of its files a draft holds, so that nothing is sent twice after a fault.
func (s *Server) uploads(c echo.Context) error {
	there, err := s.batches.Uploaded(c.Request().Context(), batch.ID(c.Param("id")))
	if err != nil {
		return err
	}
	all := make([]uploaded, 0, len(there))
	for id, images := range there {
		all = append(all, answerTaken(c.Request().Context(), id, &batch.Taken{Images: images}))
	}
	return c.JSON(http.StatusOK, all)
}

// datedOf is the time of a file as a browser sends it; what cannot be understood is not known.
func datedOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

func tooLarge(filename string, limit int64) error {
	return errs.New(errs.TooLarge, "“%s” is larger than %d MB. Save it smaller, for example as JPEG, and add it again.", filename, limit>>20)
}

// newBatch is a draft whose name, until a person chooses one, is in that person's language.
func (s *Server) newBatch(c echo.Context, name string) (*batch.Batch, error) {
	ctx := c.Request().Context()
	if strings.TrimSpace(name) == "" {
		name = views.BatchName(ctx, time.Now())
	}
	return s.batches.Create(ctx, batch.NewBatch{Name: name})
}

// createBatch begins a draft. Scripts get its address; a plain form may carry the pictures along.
func (s *Server) createBatch(c echo.Context) error {
	form, err := c.Request().MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		b, err := s.newBatch(c, c.FormValue("name"))
		if err != nil {
			return err
		}
		if wantsPage(c.Request()) {
			return c.Redirect(http.StatusSeeOther, batchURL(b.ID))
		}
		return c.JSON(http.StatusCreated, map[string]string{"id": string(b.ID), "url": batchURL(b.ID)})
	}
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "The form could not be read. Reload the page and try again.")
	}
	return s.patient(func(c echo.Context) error {
		b, err := s.newBatch(c, "")
		if err != nil {
			return err
		}
		return s.plainForm(c, b.ID, form)
	})(c)
}

// addImages takes more pictures into a draft from a form sent without scripts.
func (s *Server) addImages(c echo.Context) error {
	id := batch.ID(c.Param("id"))
	form, err := c.Request().MultipartReader()
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "The form could not be read. Reload the page and try again.")
	}
	return s.patient(func(c echo.Context) error { return s.plainForm(c, id, form) })(c)
}

// plainForm takes pictures from a form sent without scripts, one after the other as they arrive. Refused ones are named
// beside what was taken.
func (s *Server) plainForm(c echo.Context, id batch.ID, form *multipart.Reader) error {
	ctx := c.Request().Context()
	upload := rand.Text()
	var refused []string
	files, taken := 0, 0
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errs.Wrap(err, errs.Invalid, "The upload broke off. Go back and send it again.")
		}
		if part.FileName() == "" {
			continue
		}
		files++
		got, err := s.batches.AddImages(ctx, id, batch.Upload{
			ID: upload + "-" + strconv.Itoa(files), Filename: part.FileName(), Body: part,
		})
		switch {
		case err == nil:
			taken += len(got.Images)
			for _, why := range got.Refused {
				refused = append(refused, views.Retell(ctx, why))
			}
		case errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge):
			refused = append(refused, told(ctx, err))
			if _, err := io.Copy(io.Discard, part); err != nil {
				return errs.Wrap(err, errs.Invalid, "The upload broke off. Go back and send it again.")
			}
		default:
			return err
		}
	}
	return s.afterForm(c, id, taken, refused)
}

// afterForm shows what came of a plain form: the names, with what was refused; an empty draft is not kept.
func (s *Server) afterForm(c echo.Context, id batch.ID, taken int, refused []string) error {
	ctx := c.Request().Context()
	if taken > 0 && refused == nil {
		return c.Redirect(http.StatusSeeOther, batchURL(id)+"?step=names")
	}
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	images, out, err := s.batches.Draft(ctx, id)
	if err != nil {
		return err
	}
	if len(images)+len(out) == 0 {
		if err := s.batches.Discard(ctx, id); err != nil {
			return err
		}
	}
	if taken == 0 {
		if refused == nil {
			refused = []string{"Choose at least one picture, then send the form again."}
		}
		return errs.New(errs.Invalid, "%s", strings.Join(refused, " "))
	}
	v := s.namesView(c, b, images, out)
	v.Problem = strings.Join(refused, " ")
	return s.render(c, http.StatusUnprocessableEntity, views.NamesPage(v))
}

func batchURL(id batch.ID) string { return "/batches/" + string(id) }
