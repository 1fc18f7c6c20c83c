package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/fault"
)

func (c *chaos) images() int {
	n := 0
	for _, t := range c.tasks {
		n += len(t.sheets)
	}
	return n
}

// extra is how many good answers of Gemini were paid for and not needed.
func (c *chaos) extra() int {
	good := 0
	for _, call := range c.gemini.Calls() {
		if call.Kind == "ok" {
			good++
		}
	}
	return good - c.images()
}

// resumed is the longest time from the start of a process to its first call, of those that made one.
func (c *chaos) resumed() (longest time.Duration) {
	calls := c.gemini.Calls()
	slices.SortFunc(calls, func(a, b simulator.Call) int { return a.At.Compare(b.At) })
	for _, l := range c.lives {
		i, _ := slices.BinarySearchFunc(calls, l.from, func(c simulator.Call, at time.Time) int { return c.At.Compare(at) })
		if i < len(calls) && !l.to.IsZero() && calls[i].At.Before(l.to) {
			longest = max(longest, calls[i].At.Sub(l.from))
		}
	}
	return longest
}

func (c *chaos) report(t *testing.T, seed uint64, events int64) {
	t.Helper()
	atPoints, points := 0, 0
	for _, n := range c.at {
		atPoints += n
		points++
	}
	failed := 0
	calls := c.gemini.Calls()
	for _, call := range calls {
		if call.Kind != "ok" {
			failed++
		}
	}
	slices.Sort(c.ready)
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, line := range []struct {
		what  string
		value any
	}{
		{"seed", seed},
		{"kill -9", fmt.Sprintf("%d, %d of them at %d of %d crash points", c.kills, atPoints, points, len(fault.Points))},
		{"batches, images acknowledged", fmt.Sprintf("%d, %d", len(c.tasks), c.images())},
		{"images lost", c.lost},
		{"rows there, of those drawn", fmt.Sprintf("%d of %d", c.rowsThere, c.rowsWanted)},
		{"images that people retried", c.retries.Load()},
		{"presses of pause, resume and cancel", c.presses.Load()},
		{"calls, of them failed", fmt.Sprintf("%d, %d (%d %%)", len(calls), failed, failed*100/max(1, len(calls)))},
		{"images read twice (bound)", fmt.Sprintf("%d (%d)", c.extra(), c.kills*chaosSlots)},
		{"start to ready, half, all", fmt.Sprintf("%v, %v", c.ready[len(c.ready)/2].Round(time.Millisecond), c.ready[len(c.ready)-1].Round(time.Millisecond))},
		{"start to the first call, at most", c.resumed().Round(time.Millisecond)},
		{"checks between, leftovers they saw", fmt.Sprintf("%d, %d", c.checked, c.left)},
		{"events two viewers saw", events},
	} {
		fmt.Fprintf(w, "%s\t%v\n", line.what, line.value)
	}
	_ = w.Flush()
	t.Logf("chaos\n%s", out.String())
}

// tail returns the end of the output of a process. Of one that was asked for the stacks of its goroutines, it returns the lines
// before and the stacks of its own goroutines, without those of the libraries.
func tail(l *logBuffer) string {
	const room = 20_000
	lines, stacks, _ := strings.Cut(l.String(), "SIGQUIT: quit")
	var own strings.Builder
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(stack, "sheetlift/internal/") {
			own.WriteString("\n\n" + stack)
		}
	}
	return lines[max(0, len(lines)-room):] + own.String()[:min(own.Len(), room)]
}
