package cli

import (
	"cmp"
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"sheetlift/client"
)

// uploadsAtOnce is how many files are on their way at the same time.
const uploadsAtOnce = 3

// outcome is the result of a batch.
type outcome struct {
	Output  string    `json:"output,omitempty"`
	Batch   string    `json:"batch"`
	Status  string    `json:"status"`
	Images  int       `json:"images"`
	Read    int       `json:"completed"`
	Rows    int       `json:"rows"`
	Doubts  int       `json:"doubts"`
	USD     float64   `json:"usd"`
	Missing []missing `json:"missing"` // images that were not read, and files that were refused
}

// missing is a file or image without rows.
type missing struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// code returns the exit code.
func (o *outcome) code() int {
	switch {
	case o.Read == 0:
		return failed
	case len(o.Missing) > 0:
		return partly
	}
	return ok
}

// fill brings the files into the batch, starts it, and follows it to its end. A batch that has ended gets its failed images read again.
func (s *shell) fill(ctx context.Context, caller *client.Client, b *client.Batch, files []input, t *teller) (*outcome, error) {
	out := &outcome{Batch: b.ID}
	refused, err := s.upload(ctx, caller, b, files, t)
	if err != nil {
		return nil, err
	}
	out.Missing = refused
	if b.Status == "draft" {
		if len(refused) == len(files) {
			out.Status = "failed"
			return out, nil
		}
		b, err = caller.Start(ctx, b.ID)
	} else if b.Final() && b.Counts.Failed > 0 {
		_, err = caller.Retry(ctx, b.ID)
	}
	if err != nil {
		return nil, err
	}
	return out, s.follow(ctx, caller, b.ID, out, t)
}

// upload adds the files to a draft. A batch that was started has them already; then only the refused ones are found.
func (s *shell) upload(ctx context.Context, caller *client.Client, b *client.Batch, files []input, t *teller) ([]missing, error) {
	if b.Status != "draft" {
		return s.refusedBefore(ctx, caller, b, files)
	}
	refused := make([][]missing, len(files))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(uploadsAtOnce)
	for i, f := range files {
		g.Go(func() error {
			u, err := caller.Add(ctx, b.ID, client.Upload{
				ID: f.id(), Filename: f.name(), Folder: f.folder, Position: i + 1, Dated: f.dated, Open: f.opener(s.in),
			})
			switch client.StatusOf(err) {
			case 0:
				if err != nil {
					return fmt.Errorf("%s: %w", f.path, err)
				}
				for _, why := range u.Refused {
					refused[i] = append(refused[i], missing{f.path, why})
				}
			case 413, 422:
				refused[i] = append(refused[i], missing{f.path, err.Error()})
			default:
				return err
			}
			t.uploaded(len(files))
			return nil
		})
	}
	err := g.Wait()
	var all []missing
	for _, some := range refused {
		all = append(all, some...)
	}
	return all, err
}

// refusedBefore returns the files of which an earlier call got no image into the batch.
func (s *shell) refusedBefore(ctx context.Context, caller *client.Client, b *client.Batch, files []input) ([]missing, error) {
	images, err := caller.Images(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, m := range images {
		there[m.Upload] = true
	}
	var all []missing
	for _, f := range files {
		if !there[f.id()] && !there[f.id()+"-2"] {
			all = append(all, missing{f.path, "It was refused when the batch was made."})
		}
	}
	return all, nil
}

// follow waits for the end of the batch and fills in the outcome.
func (s *shell) follow(ctx context.Context, caller *client.Client, id string, out *outcome, t *teller) error {
	last := &client.Batch{}
	err := caller.Follow(ctx, id, func(e client.Event) error {
		if e.Batch != nil {
			last = e.Batch
		}
		t.event(e)
		return nil
	})
	t.clear()
	if err != nil {
		return err
	}
	images, err := caller.Images(ctx, id)
	if err != nil {
		return err
	}
	out.Status, out.USD = last.Status, last.Counts.USD
	out.count(images)
	return nil
}

// count fills in the sums over the images, and names those without rows that are final.
func (o *outcome) count(images []*client.Image) {
	o.Images = len(images)
	for _, m := range images {
		o.Rows, o.Doubts = o.Rows+m.Rows, o.Doubts+m.Doubts
		if m.Status == "completed" {
			o.Read++
		} else if m.Final() {
			o.Missing = append(o.Missing, missing{m.Filename, cmp.Or(m.Failure, "It was canceled before it was read.")})
		}
	}
}
