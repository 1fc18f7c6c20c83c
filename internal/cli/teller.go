package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"

	"sheetlift/client"
)

// teller tells how a batch goes on: as a bar on a terminal, as lines elsewhere.
type teller struct {
	out   io.Writer
	bar   bool
	quiet bool

	mu      sync.Mutex
	sent    int
	images  map[int]client.Image
	batch   client.Batch
	paused  string // the last sentence about a pause
	drawn   time.Time
	visible bool // a bar is on the screen
}

// drawEvery bounds how often the bar is drawn.
const drawEvery = 100 * time.Millisecond

func (s *shell) newTeller(p *plan, left int) *teller {
	t := &teller{out: s.err, quiet: p.quiet, bar: isTerminal(s.err), images: map[int]client.Image{}}
	if left > 0 && !p.quiet {
		fmt.Fprintf(s.err, "%s in the folders left out: their names are not those of pictures.\n", plural(left, "file", "files"))
	}
	return t
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// uploaded tells that one of all files is in the batch.
func (t *teller) uploaded(all int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent++; t.quiet || !t.bar || t.sent < all && time.Since(t.drawn) < drawEvery {
		return
	}
	t.draw(fmt.Sprintf("%s %d/%d files prepared", bar(t.sent, all), t.sent, all))
}

// event tells a change of the batch.
func (t *teller) event(e client.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m := e.Image; m != nil {
		before := t.images[m.N]
		t.images[m.N] = *m
		if m.Final() && !before.Final() {
			t.line(m)
		}
	}
	if e.Batch != nil {
		t.batch = *e.Batch
		t.pause()
	}
	if t.bar && !t.quiet && (t.batch.Final() || time.Since(t.drawn) >= drawEvery) {
		t.draw(t.state())
	}
}

// done returns how many images are final, and how many of them were not read.
func (t *teller) done() (all, bad int) {
	for _, m := range t.images {
		if m.Final() {
			all++
			if m.Status != "completed" {
				bad++
			}
		}
	}
	return all, bad
}

// line tells that an image is final; a bar tells it by itself.
func (t *teller) line(m *client.Image) {
	if t.quiet || t.bar {
		return
	}
	done, _ := t.done()
	said := plural(m.Rows, "row", "rows")
	if m.Doubts > 0 {
		said += ", " + plural(m.Doubts, "doubt", "doubts")
	}
	if m.Status != "completed" {
		said = strings.TrimSpace(m.Status + ". " + m.Failure)
	}
	fmt.Fprintf(t.out, "%d/%d %s: %s\n", done, max(t.batch.Images, len(t.images)), m.Filename, said)
}

// pause tells once that the batch waits, and why.
func (t *teller) pause() {
	said := ""
	if t.batch.Status == "paused" {
		said = "Waiting: " + strings.TrimSpace(t.batch.PausedBy+" "+t.batch.Because)
		if t.batch.PausedUntil != nil {
			said += ", until " + t.batch.PausedUntil.Local().Format("15:04:05")
		}
	}
	if said != t.paused && said != "" && !t.quiet {
		t.wipe()
		fmt.Fprintln(t.out, said+".")
	}
	t.paused = said
}

// state returns the text of the bar.
func (t *teller) state() string {
	done, bad := t.done()
	all := max(t.batch.Images, len(t.images))
	said := fmt.Sprintf("%s %d/%d read", bar(done, all), done-bad, all)
	if bad > 0 {
		said += fmt.Sprintf(", %d failed", bad)
	}
	if left := t.batch.SecondsLeft; left > 0 && !t.batch.Final() {
		said += ", " + (time.Duration(left) * time.Second).String() + " left"
	}
	return said
}

const barWidth = 30

// bar returns a bar of which n of all are filled.
func bar(n, all int) string {
	filled := 0
	if all > 0 {
		filled = min(barWidth, n*barWidth/all)
	}
	return "[" + strings.Repeat("#", filled) + strings.Repeat(".", barWidth-filled) + "]"
}

// draw puts the bar in the place of the one before.
func (t *teller) draw(text string) {
	t.drawn, t.visible = time.Now(), true
	fmt.Fprintf(t.out, "\r\033[K%s", text)
}

// wipe removes the bar, for a line that comes.
func (t *teller) wipe() {
	if t.visible {
		fmt.Fprint(t.out, "\r\033[K")
		t.visible = false
	}
}

// clear ends the bar.
func (t *teller) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.visible {
		fmt.Fprintln(t.out)
		t.visible = false
	}
}
