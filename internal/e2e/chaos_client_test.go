package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/fault"
)

// person is a client of a program that is killed again and again. The client repeats every request without an acknowledgement.
type person struct {
	*chaos
	n       int
	batches int
}

// task is one batch of a person.
type task struct {
	id     string
	sheets []int // by position
	names  []string
}

// cancels are the crash points that only a cancel passes.
var cancels = []fault.Point{fault.CancelMeant, fault.ImageCanceled, fault.CancelDone}

// errGone is the end of the test while a person waits.
var errGone = errors.New("the program did not come back")

// knock makes the request until it is answered with one of the wanted codes. Answers that say "try again" are obeyed;
// any other is a defect.
func (c *chaos) knock(ctx context.Context, make func(context.Context) (*http.Request, error), wanted ...int) ([]byte, error) {
	var last error
	for {
		code, body, err := c.once(ctx, make)
		if ctx.Err() == nil {
			last = fmt.Errorf("%d %.300s %v", code, body, err)
		}
		if err == nil {
			for _, w := range wanted {
				if code == w {
					return body, nil
				}
			}
			if code != http.StatusServiceUnavailable {
				return nil, fmt.Errorf("answered %d: %.300s", code, body)
			}
		}
		select {
		case <-time.After(20 * time.Millisecond): // as a browser does between two tries
		case <-ctx.Done():
			return nil, fmt.Errorf("%w; last: %w", errGone, last)
		}
	}
}

func (c *chaos) once(ctx context.Context, make func(context.Context) (*http.Request, error)) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := make(ctx)
	if err != nil {
		return 0, nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

func (c *chaos) form(path string, form url.Values) func(context.Context) (*http.Request, error) {
	return func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, strings.NewReader(form.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Accept", "application/json")
		}
		return req, err
	}
}

func (c *chaos) fetch(path string) func(context.Context) (*http.Request, error) {
	return func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	}
}

// work makes batch after batch until there is enough.
func (p *person) work(ctx context.Context) error {
	for !p.enough() {
		if err := p.misclick(ctx); err != nil {
			return err
		}
		t, err := p.upload(ctx)
		if err != nil {
			return err
		}
		p.newest.Store(&t.id)
		if err := p.see(ctx, t); err != nil {
			return fmt.Errorf("batch %s: %w", t.id, err)
		}
		p.mu.Lock()
		p.tasks = append(p.tasks, t)
		p.mu.Unlock()
	}
	return nil
}

// misclick sends a file that is no picture, by a plain form: the draft that was made for it is erased again.
func (p *person) misclick(ctx context.Context) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("images", "notes.txt")
	if err == nil {
		_, err = part.Write([]byte("no picture"))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return err
	}
	_, err = p.knock(ctx, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/batches", bytes.NewReader(body.Bytes()))
		if err == nil {
			req.Header.Set("Content-Type", form.FormDataContentType())
		}
		return req, err
	}, http.StatusUnprocessableEntity, http.StatusBadRequest)
	if err != nil {
		return fmt.Errorf("a file that is no picture: %w", err)
	}
	return nil
}

// upload makes a draft and puts pictures into it. Each acknowledgement is in the log, synced to disk, before the next step.
func (p *person) upload(ctx context.Context) (*task, error) {
	body, err := p.knock(ctx, p.form("/batches", nil), http.StatusCreated)
	if err != nil {
		return nil, fmt.Errorf("a new batch: %w", err)
	}
	var made struct{ ID string }
	if err := json.Unmarshal(body, &made); err != nil {
		return nil, err
	}
	t := &task{id: made.ID}
	for i := 1; i <= p.size; i++ {
		sheet := int(p.sheets.Add(1))
		picture := simulator.Draw(sheet).JPEG
		path := fmt.Sprintf("/batches/%s/images/upload-%d-%05d?position=%d&filename=photo-%d.jpg", t.id, p.n, i, i, sheet)
		body, err := p.knock(ctx, func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodPut, p.url+path, bytes.NewReader(picture))
		}, http.StatusCreated)
		if err != nil {
			return nil, fmt.Errorf("uploading into batch %s: %w", t.id, err)
		}
		var kept struct{ Images []struct{ N int } }
		if err := json.Unmarshal(body, &kept); err != nil || len(kept.Images) != 1 || kept.Images[0].N != i {
			return nil, fmt.Errorf("picture %d of batch %s was acknowledged as %s", i, t.id, body)
		}
		if err := p.log.write("%s %d %d", t.id, i, sheet); err != nil {
			return nil, err
		}
		t.sheets, t.names = append(t.sheets, sheet), append(t.names, fmt.Sprintf("photo-%d", sheet))
	}
	return t, nil
}

// see names the images, starts the batch, and presses retry until every image is read.
func (p *person) see(ctx context.Context, t *task) error {
	names := url.Values{}
	for i := range t.names {
		t.names[i] = fmt.Sprintf("Room %d", t.sheets[i])
		names.Set(fmt.Sprintf("name-%d", i+1), t.names[i])
	}
	if _, err := p.knock(ctx, p.form("/batches/"+t.id+"/names", names), http.StatusSeeOther); err != nil {
		return fmt.Errorf("naming: %w", err)
	}
	start := url.Values{"preset": {"inventory"}, "at_once": {"4"}, "retries": {"3"}}
	if _, err := p.knock(ctx, p.form("/batches/"+t.id+"/start", start), http.StatusSeeOther); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	if err := p.steer(ctx, t); err != nil {
		return err
	}
	for {
		body, err := p.knock(ctx, p.fetch("/batch-status/"+t.id), http.StatusOK)
		if err != nil {
			return err
		}
		var s struct {
			Status    string
			Completed int `json:"completed_images"`
			Failed    int `json:"failed_images"`
		}
		if err := json.Unmarshal(body, &s); err != nil {
			return err
		}
		over := s.Status == "completed" || s.Status == "failed" || s.Status == "canceled"
		switch {
		case over && s.Completed == len(t.sheets):
			return nil
		case over && s.Completed+s.Failed < len(t.sheets):
			if err := p.bringBack(ctx, t); err != nil {
				return err
			}
		case s.Failed > 0:
			if _, err := p.knock(ctx, p.form("/batches/"+t.id+"/retry", nil), http.StatusSeeOther); err != nil {
				return fmt.Errorf("retrying: %w", err)
			}
			p.retries.Add(int64(s.Failed))
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%w; it is %s with %d of %d images completed and %d failed", errGone, s.Status, s.Completed, len(t.sheets), s.Failed)
		}
	}
}

// steer pauses and resumes one batch in three, and cancels another; every one while the process is to die in a cancel,
// which otherwise might not come for long.
func (p *person) steer(ctx context.Context, t *task) error {
	p.batches++
	for n, priority := range map[int]string{1: "low", len(t.sheets): "high"} { // of two images, as late as it is by now
		path := fmt.Sprintf("/batches/%s/images/%d/priority", t.id, n)
		if _, err := p.knock(ctx, p.form(path, url.Values{"priority": {priority}}), http.StatusSeeOther); err != nil {
			return fmt.Errorf("raising an image: %w", err)
		}
	}
	var presses []string
	point := p.aimed.Load()
	switch {
	case p.batches%3 == 2 || point != nil && slices.Contains(cancels, *point):
		presses = []string{"cancel", "cancel"}
	case p.batches%3 == 1:
		presses = []string{"pause", "pause", "resume"}
	}
	for _, press := range presses {
		if _, err := p.knock(ctx, p.form("/batches/"+t.id+"/"+press, nil), http.StatusSeeOther); err != nil {
			return fmt.Errorf("pressing %s: %w", press, err)
		}
		p.presses.Add(1)
	}
	return nil
}

// bringBack has every image read that a cancel took out; for those that were read the press does nothing.
func (p *person) bringBack(ctx context.Context, t *task) error {
	for n := range t.sheets {
		if _, err := p.knock(ctx, p.form(fmt.Sprintf("/batches/%s/images/%d/retry", t.id, n+1), nil), http.StatusSeeOther); err != nil {
			return fmt.Errorf("bringing image %d back: %w", n+1, err)
		}
	}
	return nil
}

// watch looks at the newest batch as a browser does, and comes back whenever the stream ends.
func (c *chaos) watch(ctx context.Context, events *atomic.Int64) {
	for ctx.Err() == nil {
		if id := c.newest.Load(); id != nil {
			c.stream(ctx, *id, events)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (c *chaos) stream(ctx context.Context, id string, events *atomic.Int64) {
	req, err := c.fetch("/batches/" + id + "/events")(ctx)
	if err != nil {
		return
	}
	res, err := c.http.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data:") {
			events.Add(1)
		}
		if now := c.newest.Load(); now != nil && *now != id && lines.Text() == "" {
			return
		}
	}
}

// ackLog records the acknowledgements; each line is on the disk when write returns.
type ackLog struct {
	mu sync.Mutex
	f  *os.File
}

func (l *ackLog) write(format string, args ...any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := fmt.Fprintf(l.f, format+"\n", args...); err != nil {
		return err
	}
	return l.f.Sync()
}
