package usecases_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// machine is a model of one batch: people and workers act on it in any order, while writes fail.
type machine struct {
	s       *usecases.Services
	w       *batchtest.World
	id      batch.ID
	uploads int
	stale   []*batch.Image       // possibly outdated images held by workers
	status  map[int]batch.Status // last seen, by image; 0 is the batch
	read    map[int]bool         // images that have rows
	asked   map[int]int          // number of reread requests, by image
	wrong   string               // the first violation
}

func newMachine(t *rapid.T) *machine {
	w := batchtest.NewWorld()
	m := &machine{w: w, status: map[int]batch.Status{}, read: map[int]bool{}, asked: map[int]int{}}
	m.s = usecases.New(usecases.Ports{
		Repository: w, Queue: w, Pictures: w, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini", "tesseract"}, ReadingCache: w,
	}, usecases.Limits{MaxImages: 100})
	if _, err := w.Subscribe(context.Background(), m.see); err != nil {
		t.Fatal(err)
	}
	b, err := m.s.Draft.Create(context.Background(), draft.NewBatch{})
	if err != nil {
		t.Fatal(err)
	}
	m.id = b.ID
	return m
}

// see checks every change against the status tables.
func (m *machine) see(c batch.Change) {
	if c.Gone {
		delete(m.status, c.N)
		return
	}
	var next batch.Status
	lawful := batch.Status.BatchMayBecome
	if c.N == 0 {
		next = c.Batch.Status
	} else {
		next, lawful = c.Image.Status, batch.Status.ImageMayBecome
		if m.read[c.N] && len(c.Image.Rows) == 0 {
			m.blame("image %d lost its rows", c.N)
		}
		m.read[c.N] = len(c.Image.Rows) > 0
	}
	if was, seen := m.status[c.N]; seen && was != next && !lawful(was, next) {
		m.blame("%d went from %s to %s", c.N, was, next)
	}
	m.status[c.N] = next
}

func (m *machine) blame(format string, args ...any) {
	if m.wrong == "" {
		m.wrong = fmt.Sprintf(format, args...)
	}
}

// bears fails the test on an error that no person or worker could have caused.
func bears(t *rapid.T, err error) {
	for _, kind := range []errs.Kind{errs.Conflict, errs.Invalid, errs.NotFound, errs.Unavailable} {
		if errs.Is(err, kind) {
			return
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// some draws the number of an image; occasionally of one that does not exist.
func (m *machine) some(t *rapid.T) int { return rapid.IntRange(1, m.uploads+1).Draw(t, "n") }

// again records that image n may be read once more.
func (m *machine) again(n int) int {
	m.asked[n]++
	return n
}

// asks returns the actions of people, by name.
func (m *machine) requests(t *rapid.T) map[string]func() error {
	ctx := context.Background()
	return map[string]func() error{
		"start":      func() error { _, err := m.s.Run.Start(ctx, m.id); return err },
		"pause":      func() error { _, err := m.s.Run.Pause(ctx, m.id, batch.PausedByUser); return err },
		"rest":       func() error { return m.s.Run.PauseForCooldown(ctx, m.id, batch.Cooldown{}) },
		"resume":     func() error { _, err := m.s.Run.Resume(ctx, m.id, batch.PausedByUser); return err },
		"go on":      func() error { return m.s.Run.ResumeAfterCooldown(ctx, m.id) },
		"cancel":     func() error { _, err := m.s.Run.Cancel(ctx, m.id); return err },
		"cancel one": func() error { _, err := m.s.Run.CancelImage(ctx, m.id, m.some(t)); return err },
		"retry one":  func() error { return m.s.Run.Retry(ctx, m.id, m.again(m.some(t))) },
		"retry all": func() error {
			for n := range m.status {
				m.again(n)
			}
			_, err := m.s.Run.RetryFailed(ctx, m.id)
			return err
		},
		"afresh": func() error {
			_, err := m.s.Run.RetryWith(ctx, m.id, []int{m.again(m.some(t))}, batch.ReadAs{Engine: "tesseract", Fresh: true})
			return err
		},
		"type in": func() error {
			_, err := m.s.Edit.TypeIn(ctx, m.id, m.again(m.some(t)), "Anna", nil)
			return err
		},
		"remove":     func() error { return m.s.Draft.RemoveImage(ctx, m.id, m.some(t)) },
		"leave out":  func() error { return m.s.Draft.Exclude(ctx, m.id, rapid.Bool().Draw(t, "out"), m.some(t)) },
		"schedule":   func() error { _, err := m.s.Run.Schedule(ctx, m.id, time.Now().Add(time.Hour)); return err },
		"unschedule": func() error { _, err := m.s.Run.Unschedule(ctx, m.id); return err },
		"fallback": func() error {
			_, err := m.s.Settings.SetFallback(ctx, m.id, rapid.SampledFrom([]batch.Fallback{batch.FallbackOff, batch.FallbackAsk, batch.FallbackAlways}).Draw(t, "fallback"))
			return err
		},
		"at once": func() error {
			_, err := m.s.Settings.SetAtOnce(ctx, m.id, rapid.IntRange(1, 9).Draw(t, "at once"))
			return err
		},
		"image priority": func() error {
			level := rapid.SampledFrom([]batch.Priority{batch.High, batch.Normal, batch.Low}).Draw(t, "priority")
			_, err := m.s.Settings.SetImagePriority(ctx, m.id, m.some(t), level)
			return err
		},
		"delete":     func() error { return m.s.Retention.Delete(ctx, m.id) },
		"bring back": func() error { _, err := m.s.Retention.Undelete(ctx, m.id); return err },
		"refill":     func() error { _, err := m.s.Run.Requeue(ctx, m.id); return err },
		"conclude":   func() error { _, err := m.s.Run.Finish(ctx, m.id); return err },
	}
}

func (m *machine) upload(t *rapid.T) {
	m.uploads++
	picture := fmt.Sprint("picture ", rapid.IntRange(1, 6).Draw(t, "picture")) // some pictures repeat
	_, err := m.s.Draft.AddImages(context.Background(), m.id, draft.Upload{
		ID: fmt.Sprint("upload-", m.uploads), Filename: "a.jpg", Body: strings.NewReader(picture),
	})
	bears(t, err)
}

// take lets a worker load an image; it may save its result much later.
func (m *machine) take(t *rapid.T) {
	image, err := m.w.Image(context.Background(), m.id, m.some(t))
	if err == nil && (image.Status == batch.Pending || image.Status.Active()) {
		m.stale = append(m.stale, image)
	}
}

// settle lets a worker save the result for an image that it took.
func (m *machine) settle(t *rapid.T) {
	if len(m.stale) == 0 {
		t.Skip("nothing was taken") // rapid then draws another step
	}
	i := rapid.IntRange(0, len(m.stale)-1).Draw(t, "which")
	image := m.stale[i]
	m.stale = append(m.stale[:i], m.stale[i+1:]...)
	switch now := time.Now(); rapid.SampledFrom([]string{"begun", "read", "failed", "again"}).Draw(t, "outcome") {
	case "begun":
		if image.Status == batch.Pending {
			image.Status = batch.Processing
		}
	case "read":
		if image.Status == batch.Pending {
			return // it must be begun first
		}
		finishReading(image, now)
	case "failed":
		image.End(batch.Failed, "It could not be read.", now)
	case "again":
		image.Status, image.NotBefore = batch.Retrying, now.Add(time.Second)
	}
	bears(t, m.w.SaveImage(context.Background(), image))
	if image.Status.Final() {
		bears(t, m.s.Run.EnqueueDuplicates(context.Background(), m.id, image.N))
	}
}

func finishReading(m *batch.Image, now time.Time) {
	m.Status, m.Failure, m.Ended, m.NotBefore, m.Rereading = batch.Completed, "", now, time.Time{}, false
	m.Rows = []table.Row{{Cells: []table.Cell{{Text: "read"}}}}
}

// Holds checks the invariants between any two steps.
func (m *machine) holds(t *rapid.T) {
	if m.wrong != "" {
		t.Fatal(m.wrong)
	}
	b, err := m.w.Batch(context.Background(), m.id)
	if err != nil {
		t.Fatal(err)
	}
	var counts batch.Counts
	for _, n := range b.Order {
		image, err := m.w.Image(context.Background(), m.id, n)
		if err != nil {
			t.Fatalf("image %d of the order is gone: %v", n, err)
		}
		if len(image.Rows) > 0 && (image.Status == batch.Failed || image.Status == batch.Canceled) {
			t.Fatalf("image %d has rows and is %s", n, image.Status)
		}
		if image.Generation > 1+m.asked[n] {
			t.Fatalf("image %d is in its reading %d and was asked for again %d times", n, image.Generation, m.asked[n])
		}
		counts.Add(image.Figures(b.Table), 1)
	}
	if b.Status.Final() && len(b.RetryIntents) == 0 && (counts.Done() < len(b.Order) || b.Counts == nil || b.Counts.Total() != len(b.Order)) {
		t.Fatalf("the batch is %s with %+v, and counted %+v", b.Status, counts, b.Counts)
	}
}

// ends finishes the batch as processes do after a crash: from any state, that must work.
func (m *machine) ends(t *rapid.T) {
	ctx := context.Background()
	m.w.Fail(nil)
	bears(t, m.requests(t)["bring back"]())
	b, err := m.s.Batches.Batch(ctx, m.id)
	if err != nil {
		t.Fatal(err)
	}
	if b.Order == nil {
		if _, err := m.s.Run.Start(ctx, m.id); errs.Is(err, errs.Invalid) {
			return // the batch is empty
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.s.Run.Resume(ctx, m.id, batch.PausedByUser); err != nil {
		t.Fatal(err)
	}
	m.readAll(t)
	if b, err = m.s.Batches.Batch(ctx, m.id); err != nil {
		t.Fatal(err)
	}
	for _, n := range b.Order {
		m.again(n)
	}
	if _, err := m.s.Run.RetryWith(ctx, m.id, b.Order, batch.ReadAs{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	m.readAll(t)
	if b, err = m.s.Batches.Batch(ctx, m.id); err != nil || b.Status != batch.Completed || b.Counts.Completed != len(b.Order) {
		t.Fatalf("not all was read again: %v, %s %+v", err, b.Status, b.Counts)
	}
}

// readAll reads all waiting images, to the end of the batch.
func (m *machine) readAll(t *rapid.T) {
	ctx := context.Background()
	for range 2*m.uploads + 2 {
		images, err := m.s.Run.Requeue(ctx, m.id)
		if err != nil {
			t.Fatal(err)
		}
		for _, image := range images {
			if !image.NotBefore.After(time.Now()) {
				continue // Requeue must have queued it
			}
			if err := m.s.Run.Queue(ctx, m.id, image.N); err != nil {
				t.Fatal(err)
			}
		}
		if m.w.Queued(m.id) == 0 {
			break
		}
		m.workOne(t)
	}
	if ended, err := m.s.Run.Finish(ctx, m.id); !ended || err != nil {
		b, _ := m.w.Batch(ctx, m.id)
		t.Fatalf("the batch does not end: %v, %s, canceled %t, reopened %v", err, b.Status, b.Cancel, b.RetryIntents)
	}
	m.holds(t)
}

// work reads the next image, if there is one.
func (m *machine) work(t *rapid.T) {
	b, err := m.s.Batches.Batch(context.Background(), m.id)
	if err != nil || !b.Reads() || m.w.Queued(m.id) == 0 {
		t.Skip("nothing to read") // rapid then draws another step
	}
	m.workOne(t)
}

// workOne takes a unit from the queue and reads its image.
func (m *machine) workOne(t *rapid.T) {
	ctx := context.Background()
	queue, err := m.w.Open(ctx, m.id, 64)
	if err != nil {
		t.Fatal(err)
	}
	w, err := queue.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	u := w.Unit()
	image, err := m.w.Image(ctx, m.id, u.N)
	if err != nil {
		t.Fatal(err)
	}
	if image.Generation == u.Generation && !image.Status.Final() {
		if image.Status == batch.Pending {
			image.Status = batch.Processing
			if err := m.w.SaveImage(ctx, image); err != nil {
				t.Fatal(err)
			}
		}
		finishReading(image, time.Now())
		if err := m.w.SaveImage(ctx, image); err != nil {
			t.Fatal(err)
		}
		if err := m.s.Run.EnqueueDuplicates(ctx, m.id, u.N); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Ack(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestWhateverOrderThingsHappenInABatchKeepsItsTablesAndCanBeEnded: people act, workers save late, and any write may fail.
func TestWhateverOrderThingsHappenInABatchKeepsItsTablesAndCanBeEnded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		for range rapid.IntRange(0, 5).Draw(t, "pictures") {
			m.upload(t)
		}
		if rapid.IntRange(0, 3).Draw(t, "draft") > 0 {
			bears(t, m.requests(t)["start"]())
		}
		words := []string{
			"start", "start", "pause", "rest", "resume", "resume", "go on", "cancel", "cancel one", "retry one", "retry all", "afresh",
			"afresh", "image priority", "remove", "leave out", "schedule", "unschedule", "at once", "delete", "bring back", "bring back", "bring back",
			"refill", "conclude", "conclude",
		}
		request := func(t *rapid.T) {
			bears(t, m.requests(t)[rapid.SampledFrom(words).Draw(t, "ask")]())
		}
		faulty := func(t *rapid.T) {
			writes := rapid.IntRange(0, 3).Draw(t, "writes that succeed")
			m.w.Fail(func(string) error {
				if writes--; writes < 0 {
					return errs.New(errs.Unavailable, "The store does not answer.")
				}
				return nil
			})
			request(t)
			m.w.Fail(nil)
		}
		t.Repeat(map[string]func(*rapid.T){
			"upload": m.upload, "take": m.take, "settle": m.settle, "work": m.work, "work more": m.work, "ask": request, "ask again": request,
			"ask with a fault": faulty, "ask again with a fault": faulty, "": m.holds,
		})
		m.ends(t)
	})
}
