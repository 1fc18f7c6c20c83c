package worker_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/imaging"
)

// longPicture returns a picture of four pieces that all differ, and the pieces.
func longPicture(t *testing.T) (picture []byte, cut []imaging.Piece) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 40, 6500))
	for y := range 6500 {
		img.SetGray(y%40, y, color.Gray{Y: uint8(y / 26)})
	}
	var long bytes.Buffer
	if err := png.Encode(&long, img); err != nil {
		t.Fatal(err)
	}
	cut, err := imaging.New(imaging.Limits{}).Cut(t.Context(), long.Bytes())
	if err != nil || len(cut) != 4 {
		t.Fatalf("%d pieces, %v", len(cut), err)
	}
	return long.Bytes(), cut
}

// startLong starts a batch of one long picture.
func (b *bench) startLong(picture []byte, o batch.Options) batch.ID {
	b.t.Helper()
	id := b.draft(o, "long")
	m, err := b.world.Image(b.t.Context(), id, 1)
	if err != nil {
		b.t.Fatal(err)
	}
	m.Picture.Width, m.Picture.Height, m.Picture.MIME = 40, 6500, "image/png"
	if err := b.world.PutPicture(b.t.Context(), id, m.Picture.Key, batch.Full, picture); err != nil {
		b.t.Fatal(err)
	}
	if err := b.world.SaveImage(b.t.Context(), m); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.service.Run.Start(b.t.Context(), id); err != nil {
		b.t.Fatal(err)
	}
	return id
}

// allCalls is the number of calls of the engine.
func (s *scripted) allCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	for _, n := range s.calls {
		all += n
	}
	return all
}

func TestALongPictureIsOneImageAndOneAttemptHoweverManyPieces(t *testing.T) {
	t.Parallel()
	long, _ := longPicture(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		_, images := b.wait(b.startLong(long, batch.Options{AtOnce: 1}), time.Minute)
		if m := images["long"]; m.Status != batch.Completed || m.Tries != 1 || len(m.Attempts) != 1 || b.engine.allCalls() != 4 || m.Attempts[0].Prompt != 400 {
			t.Errorf("%s after %d tries and %d calls: %+v", m.Status, m.Tries, b.engine.allCalls(), m.Attempts)
		}
	})
}

func TestPiecesThatWereReadAreNotPaidForAgainWhenALaterOneFails(t *testing.T) {
	t.Parallel()
	long, cut := longPicture(t)
	for name, why := range map[string]engine.Why{"a bad answer": engine.BadAnswer, "an outage": engine.Unreachable} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := reusing(t)
				defer b.process()()
				b.engine.scripts[string(cut[2].Data)] = []error{failure(why, 0), failure(why, 0)}
				_, images := b.wait(b.startLong(long, options(1)), time.Hour)
				m := images["long"]
				if m.Status != batch.Completed || m.Tries != 3 || b.engine.allCalls() != 4+2 {
					t.Fatalf("%s after %d tries and %d calls", m.Status, m.Tries, b.engine.allCalls())
				}
				// Each attempt is charged only for the pieces that it read itself.
				if a := m.Attempts; a[0].Prompt != 200 || a[1].Prompt != 0 || a[2].Prompt != 200 {
					t.Errorf("%+v", a)
				}
			})
		})
	}
}

func TestPiecesThatWereReadOutliveTheProcessAndARetryByHand(t *testing.T) {
	t.Parallel()
	long, cut := longPicture(t)
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		stop := b.process()
		b.engine.takes = func(picture string) time.Duration {
			if picture == string(cut[2].Data) {
				return time.Hour
			}
			return time.Second
		}
		id := b.startLong(long, options(1))
		<-time.After(10 * time.Second) // two pieces are read, and the third is being read
		stop()
		b.engine.takes = nil
		b.engine.scripts[string(cut[3].Data)] = []error{failure(engine.Refused, 0)}
		defer b.process()()
		got, images := b.wait(id, time.Hour)
		m := images["long"]
		if got.Status != batch.Failed || b.engine.allCalls() != 5 || m.Attempts[0].Prompt != 200 || m.Attempts[1].Prompt != 100 {
			t.Fatalf("%s after %d calls: %+v", got.Status, b.engine.allCalls(), m.Attempts)
		}
		if err := b.service.Run.Retry(t.Context(), id, 1); err != nil {
			t.Fatal(err)
		}
		if got, _ = b.wait(id, time.Hour); got.Status != batch.Completed || b.engine.allCalls() != 6 {
			t.Errorf("%s after %d calls", got.Status, b.engine.allCalls())
		}
	})
}

func TestACompletedLongPictureIsReadAgainAsAWholeWhenAPersonAsks(t *testing.T) {
	t.Parallel()
	long, cut := longPicture(t)
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		defer b.process()()
		id := b.startLong(long, options(1))
		b.wait(id, time.Hour)
		b.engine.scripts[string(cut[1].Data)] = []error{nil, failure(engine.BadAnswer, 0)}
		if _, err := b.service.Run.RetryWith(t.Context(), id, []int{1}, batch.ReadAs{Fresh: true}); err != nil {
			t.Fatal(err)
		}
		_, images := b.wait(id, time.Hour)
		if m := images["long"]; m.Status != batch.Completed || m.Round != 1 || m.Tries != 3 || b.engine.allCalls() != 4+4+1 {
			t.Errorf("%s after %d tries and %d calls", m.Status, m.Tries, b.engine.allCalls())
		}
	})
}

func TestPiecesAreNotKeptWhereReadingsAreNot(t *testing.T) {
	t.Parallel()
	long, cut := longPicture(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.process()()
		b.engine.scripts[string(cut[3].Data)] = []error{failure(engine.BadAnswer, 0)}
		b.wait(b.startLong(long, options(1)), time.Hour)
		if b.engine.allCalls() != 8 || b.world.Remembered() != 0 {
			t.Errorf("%d calls, %d readings are remembered", b.engine.allCalls(), b.world.Remembered())
		}
	})
}

func TestPiecesOfABatchThatIsErasedMeanwhileAreForgotten(t *testing.T) {
	t.Parallel()
	long, _ := longPicture(t)
	synctest.Test(t, func(t *testing.T) {
		b := reusing(t)
		reached, gone := make(chan bool), make(chan bool)
		b.beforePut = func() { reached <- true; <-gone }
		defer b.process()()
		id := b.startLong(long, options(1))
		<-reached
		if err := b.world.RemoveBatch(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		gone <- true
		<-time.After(time.Minute)
		if n := b.world.Remembered(); n != 0 {
			t.Errorf("%d pieces of a batch that is gone are remembered after %d calls", n, b.engine.allCalls())
		}
	})
}
