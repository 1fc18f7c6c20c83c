package draft_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
	"sheetlift/internal/errs"
)

// slowIntake takes about a second for each file after it has arrived, the longer the earlier its name, and panics at the file
// "panic".
type slowIntake struct{ batchtest.Intake }

func (s slowIntake) Prepare(ctx context.Context, filename string, r io.Reader, have func(int) bool) iter.Seq2[batch.Part, error] {
	return func(yield func(batch.Part, error) bool) {
		data, err := io.ReadAll(r)
		if err != nil {
			yield(batch.Part{}, err)
			return
		}
		if filename == "panic" {
			panic("the intake is out of order")
		}
		time.Sleep(time.Second - time.Duration(filename[0])*time.Millisecond)
		s.Intake.Prepare(ctx, filename, strings.NewReader(string(data)), have)(yield)
	}
}

// seriesWorld returns the services with an intake that takes time, for batches of at most so many images.
func seriesWorld(limit int) *usecases.Services {
	w := batchtest.NewWorld()
	return usecases.New(usecases.Ports{Repository: w, Queue: w, Pictures: w, Intake: slowIntake{}, Readers: batchtest.Readers{"gemini"}},
		usecases.Limits{MaxImages: limit})
}

// addAll adds files of these names and contents, written as name=content, and returns the outcomes.
func addAll(t *testing.T, s *usecases.Services, id batch.ID, files ...string) ([]draft.Added, error) {
	t.Helper()
	series, err := s.Draft.Series(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer series.Stop()
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		if err := series.Add(name, strings.NewReader(content)); err != nil {
			return nil, err
		}
	}
	return series.Wait()
}

func TestTheFilesOfASeriesArePreparedSideBySideAndKeepTheirOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := seriesWorld(50)
		id := batchtest.NewDraft(t, s)
		var files, want []string
		for i := range 26 {
			name := string(rune('a' + i))
			files, want = append(files, name+"="+name), append(want, name)
		}
		begun := time.Now()
		if _, err := addAll(t, s, id, "first=1"); err != nil {
			t.Fatal(err)
		}
		files[3], files[7] = "d=bad", "h=pages\n1\nbad\n3"
		added, err := addAll(t, s, id, files...)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range added {
			if a.Filename != want[i] || (a.Refusal != nil) != (i == 3) || a.Refusal == nil && (a.Ingested.Images[0].Filename != want[i]) {
				t.Errorf("outcome %d is %+v", i, a)
			}
		}
		if h := added[7].Ingested; len(h.Images) != 2 || len(h.Refused) != 1 {
			t.Errorf("the document came to %+v", h)
		}
		want = slices.Concat([]string{"first", "a", "b", "c", "e", "f", "g", "h page 1", "h page 3"}, want[8:])
		if got := names(batchtest.Images(t, s, id)); !slices.Equal(got, want) {
			t.Errorf("the order is %v", got)
		}
		atOnce := runtime.GOMAXPROCS(0) + 1
		if most := time.Duration(1+(26+atOnce-1)/atOnce) * time.Second; time.Since(begun) > most {
			t.Errorf("it took %v", time.Since(begun))
		}
	})
}

func TestASeriesFillsABatchInTheOrderOfItsFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []int{1, 2, 3, 7} {
			s := seriesWorld(limit)
			id := batchtest.NewDraft(t, s)
			var files, want []string
			for i := range 9 {
				name := fmt.Sprintf("%c%d", 'z'-i, i)
				if i%3 == 1 {
					files = append(files, name+"=bad")
					continue
				}
				if files = append(files, name+"="+name); len(want) < limit {
					want = append(want, name)
				}
			}
			added, err := addAll(t, s, id, files...)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(batchtest.Images(t, s, id)); !slices.Equal(got, want[:min(limit, len(want))]) {
				t.Errorf("of at most %d there are %v", limit, got)
			}
			if len(want) == limit && limit < 6 && added[8].Refusal == nil {
				t.Errorf("a file too many came to %+v", added[8])
			}
		}
	})
}

func TestASeriesEndsWithAnErrorThatIsNotOfAFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, broken := range []string{"panic=", "x=pages\n1\nbroken"} {
			s := seriesWorld(50)
			id := batchtest.NewDraft(t, s)
			files := []string{"a=a", broken}
			for i := range 20 {
				files = append(files, fmt.Sprintf("b%d=b", i))
			}
			if _, err := addAll(t, s, id, files...); err == nil || errs.Is(err, errs.Invalid) {
				t.Errorf("after %q: %v", broken, err)
			}
			if there := batchtest.Images(t, s, id); len(there) > runtime.GOMAXPROCS(0)+1 {
				t.Errorf("after %q there are %v", broken, names(there))
			}
		}
	})
}

func TestAFileOfASeriesThatBreaksOffIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := seriesWorld(50)
		id := batchtest.NewDraft(t, s)
		series, err := s.Draft.Series(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		cut := errs.New(errs.Timeout, "The upload took too long.")
		err = series.Add("a", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(cut)))
		if _, ended := series.Wait(); !errors.Is(errors.Join(err, ended), cut) {
			t.Errorf("%v, then %v", err, ended)
		}
		if there := batchtest.Images(t, s, id); len(there) != 0 {
			t.Errorf("there are %v", names(there))
		}
	})
}
