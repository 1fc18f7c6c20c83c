package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// NewBatch is the content of a new draft. Every field is optional; docs/api.md has their values.
type NewBatch struct {
	Name       string          `json:"name,omitempty"`
	Preset     string          `json:"preset,omitempty"`  // inventory, receipt or any
	Columns    json.RawMessage `json:"columns,omitempty"` // of one's own, instead of a preset
	Single     bool            `json:"single,omitempty"`  // with columns of one's own: one row an image
	Engine     string          `json:"engine,omitempty"`
	Model      string          `json:"model,omitempty"`
	AtOnce     int             `json:"at_once,omitempty"`
	MaxRetries *int            `json:"max_retries,omitempty"`
	Keep       string          `json:"keep,omitempty"`
	Fresh      bool            `json:"fresh,omitempty"`
}

// Batch is a batch as the server tells it.
type Batch struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Status      string     `json:"status"` // draft, scheduled, pending, processing, paused, completed, failed or canceled
	PausedBy    string     `json:"paused_by"`
	Because     string     `json:"paused_because"`
	PausedUntil *time.Time `json:"paused_until"`
	Engine      string     `json:"engine"`
	Model       string     `json:"model"`
	Images      int        `json:"images"`
	Counts      Counts     `json:"counts"`
	SecondsLeft float64    `json:"seconds_left"` // 0: ended, or unknown
	Created     *time.Time `json:"created_at"`
	Ended       *time.Time `json:"ended_at"`
}

// Counts are the images of a batch by status, and the sums over them.
type Counts struct {
	Completed int     `json:"completed"`
	Failed    int     `json:"failed"`
	Canceled  int     `json:"canceled"`
	Rows      int     `json:"rows"`
	Doubts    int     `json:"issues"`
	USD       float64 `json:"usd"`
}

// Final reports whether the batch has ended.
func (b *Batch) Final() bool {
	return b.Status == "completed" || b.Status == "failed" || b.Status == "canceled"
}

// Image is an image of a batch, without its rows.
type Image struct {
	N        int    `json:"n"`
	Upload   string `json:"upload"`
	Name     string `json:"name"`
	Filename string `json:"filename"`
	Status   string `json:"status"`
	Tries    int    `json:"tries"`
	Rows     int    `json:"rows"`
	Doubts   int    `json:"doubts"`
	Checked  bool   `json:"checked"`
	Failure  string `json:"failure"`
}

// Final reports whether nothing more happens to the image.
func (m *Image) Final() bool {
	return m.Status == "completed" || m.Status == "failed" || m.Status == "canceled"
}

// Create makes a draft. The same key with the same content answers with the same batch, also after a restart; "" is a new key.
func (c *Client) Create(ctx context.Context, n NewBatch, key string) (*Batch, error) {
	if key == "" {
		key = rand.Text()
	}
	b := &Batch{}
	return b, c.callWith(ctx, http.MethodPost, "/batches", map[string]string{"Idempotency-Key": key}, n, b)
}

// Batches returns all batches, the newest first.
func (c *Client) Batches(ctx context.Context) ([]*Batch, error) {
	var answer struct {
		Batches []*Batch `json:"batches"`
	}
	return answer.Batches, c.call(ctx, http.MethodGet, "/batches", nil, &answer)
}

// Batch returns one batch.
func (c *Client) Batch(ctx context.Context, id string) (*Batch, error) {
	b := &Batch{}
	return b, c.call(ctx, http.MethodGet, address(id, ""), nil, b)
}

// Images returns the images of a batch in its order.
func (c *Client) Images(ctx context.Context, id string) ([]*Image, error) {
	var answer struct {
		Images []*Image `json:"images"`
	}
	return answer.Images, c.call(ctx, http.MethodGet, address(id, "/images"), nil, &answer)
}

// Start begins to read a draft. A batch that was started already goes on.
func (c *Client) Start(ctx context.Context, id string) (*Batch, error) {
	b := &Batch{}
	return b, c.call(ctx, http.MethodPost, address(id, "/start"), nil, b)
}

// Cancel ends a batch; its rows stay.
func (c *Client) Cancel(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, address(id, "/cancel"), nil, nil)
}

// Delete removes a batch.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, address(id, ""), nil, nil)
}

// Retry reads the failed images of a batch again and returns how many they are.
func (c *Client) Retry(ctx context.Context, id string) (int, error) {
	var answer struct {
		Retried int `json:"retried"`
	}
	return answer.Retried, c.call(ctx, http.MethodPost, address(id, "/retry"), nil, &answer)
}

// Upload is a file for a draft: a picture, a document of several pages, or an archive of such files.
type Upload struct {
	ID       string    // 8 to 64 letters, digits, - and _: the same id again changes nothing
	Filename string    // for display
	Name     string    // of the image; "" is the file's name without its extension
	Folder   string    // of the file, for display
	Position int       // in the batch, from 1; 0 is the end
	Dated    time.Time // of the file; zero if it is not known

	Open func() (io.ReadCloser, error) // opens the file; it is called again when the upload is repeated
}

// Uploaded is the result of an upload.
type Uploaded struct {
	Images []struct {
		N        int    `json:"n"`
		Name     string `json:"name"`
		Filename string `json:"filename"`
	} `json:"images"`
	Refused []string `json:"refused"` // a sentence for each part that is no picture
}

// Add uploads a file into a draft; it is durable at the server when Add returns.
func (c *Client) Add(ctx context.Context, id string, u Upload) (*Uploaded, error) {
	query := url.Values{"filename": {u.Filename}}
	for word, value := range map[string]string{"name": u.Name, "folder": u.Folder} {
		if value != "" {
			query.Set(word, value)
		}
	}
	if u.Position > 0 {
		query.Set("position", strconv.Itoa(u.Position))
	}
	if !u.Dated.IsZero() {
		query.Set("dated", u.Dated.Format(time.RFC3339))
	}
	res, err := c.send(ctx, http.MethodPut, address(id, "/images/"+url.PathEscape(u.ID))+"?"+query.Encode(), nil, u.Open)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer := &Uploaded{}
	return answer, json.NewDecoder(res.Body).Decode(answer)
}

// Workbook writes the Excel file with the rows read so far to w.
func (c *Client) Workbook(ctx context.Context, id string, w io.Writer) error {
	return c.download(ctx, address(id, "/workbook.xlsx"), w)
}

// Rows writes the rows read so far to w as csv, json, ndjson or md.
func (c *Client) Rows(ctx context.Context, id, format string, w io.Writer) error {
	return c.download(ctx, address(id, "/rows."+url.PathEscape(format)), w)
}

// Match says how the rows of a batch fit under those of a workbook.
type Match struct {
	Sheet      string   `json:"sheet"`
	HeadingRow int      `json:"heading_row"` // from 1
	FirstRow   int      `json:"first_row"`   // of the appended ones, from 1
	Rows       int      `json:"rows"`        // to append
	Table      string   `json:"table"`       // that grows, "" for none
	Matched    []string `json:"matched"`     // headings of the workbook that get values
	Missing    []string `json:"missing"`     // columns of the batch that the workbook has not
	Empty      []string `json:"empty"`       // headings of the workbook that get nothing
	AsText     []struct {
		Column string `json:"column"`
		Cells  int    `json:"cells"`
	} `json:"as_text"` // numbers and dates that become texts, because the column above shows them otherwise
}

// AppendOptions are the settings of Match and Append.
type AppendOptions struct {
	Sheet   string // its name; "" is the one whose headings fit best
	Partial bool   // leave out columns of the batch that the sheet does not have
}

func (o AppendOptions) query() string {
	q := url.Values{}
	if o.Sheet != "" {
		q.Set("sheet", o.Sheet)
	}
	if o.Partial {
		q.Set("partial", "true")
	}
	return "?" + q.Encode()
}

// Match asks how the rows of a batch, which may be a draft, fit under those of the workbook that open opens. Nothing is written.
func (c *Client) Match(ctx context.Context, id string, o AppendOptions, open func() (io.ReadCloser, error)) (*Match, error) {
	res, err := c.send(ctx, http.MethodPost, address(id, "/append")+o.query(), nil, open)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	m := &Match{}
	return m, json.NewDecoder(res.Body).Decode(m)
}

// Append writes the workbook that open opens, with the rows read so far under its own, to w.
func (c *Client) Append(ctx context.Context, id string, o AppendOptions, open func() (io.ReadCloser, error), w io.Writer) error {
	res, err := c.send(ctx, http.MethodPost, address(id, "/append.xlsx")+o.query(), nil, open)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}

func (c *Client) download(ctx context.Context, path string, w io.Writer) error {
	res, err := c.send(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}

func address(id, rest string) string { return "/batches/" + url.PathEscape(id) + rest }
