package e2e_test

import (
	"bufio"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/store/storetest"
)

// TestALostNodeAndALostProcessCostNothing is the promise of a cluster: three JetStream nodes and two processes, one of
// each killed in the middle of a batch.
func TestALostNodeAndALostProcessCostNothing(t *testing.T) {
	t.Parallel()
	expectWarnings(t, lostNode, lostConnection, staleNode, poison)
	const (
		images, atOnce = 60, 6
		call           = 400 * time.Millisecond
		// The units of a dead process come back after 30 seconds. A lost node must cost less than that, and the lost process not
		// twice that. Tighter bounds would measure the machine.
		stall    = 25 * time.Second
		takeover = 55 * time.Second
	)
	nodes := storetest.Start(t, 3)
	gemini, environ := fake(t, 3, call)
	environ = append(environ, "SHEETLIFT_NATS_URL="+nodes.URL(), "SHEETLIFT_SECRET="+strings.Repeat("s", 32), "SHEETLIFT_DATA=:memory:")
	first, a := child(t, environ...)
	_, b := child(t, environ...)
	for _, stream := range []string{"KV_batches", "KV_images", "PICTURES", "READINGS", "WORK"} {
		if n := nodes.Replicas(stream); n != 3 {
			t.Errorf("%s is kept on %d nodes", stream, n)
		}
	}
	status, started := a.post(t, fmt.Sprintf("?max_concurrent=%d", atOnce), sheets(images))
	id, ok := started["job_id"].(string)
	if !ok {
		t.Fatalf("the batch was answered %d %v\n%s", status, started, a.log)
	}
	watched := watch(t, b, id, images)

	waitFor(t, func() bool { return len(gemini.Calls()) >= images/4 })
	nodes.Kill(nodes.Leader("KV_images"))
	lost, before := time.Now(), len(gemini.Calls())
	// Those in hand at that moment are on their way back; the next ones show that the cluster works again.
	waitFor(t, func() bool { return len(gemini.Calls()) >= before+2*atOnce })
	if longest := longestGap(gemini.Calls(), lost); longest > stall {
		t.Errorf("a lost node cost a stall of %v", longest)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	_ = first.Wait()
	b.ended(t, id, 2*time.Minute)
	if took := time.Since(killed); took > takeover+images/atOnce*call {
		t.Errorf("the images of the lost process and the rest ended after %v", took)
	}
	_, end := b.get(t, "/batch-status/"+id)
	if end["completed_images"] != float64(images) {
		t.Errorf("ended with %v", end)
	}
	checkRows(t, b.workbook(t, id), wantRows(images))
	if extra := len(gemini.Calls()) - images; extra > 2*atOnce {
		t.Errorf("%d calls were made twice, more than two losses × images in hand = %d", extra, 2*atOnce)
	}
	watched()
}

var completedRow = regexp.MustCompile(`id="row-(\d+)" class="is-completed`)

// longestGap is the longest time without a call, from a moment on.
func longestGap(calls []simulator.Call, from time.Time) (longest time.Duration) {
	last := from
	for _, c := range calls {
		if c.At.After(from) {
			longest = max(longest, c.At.Sub(last))
			last = c.At
		}
	}
	return longest
}

// watch opens the event stream of a batch as a browser does. check fails the test unless every image was seen completed there.
func watch(t *testing.T, p *process, id string, images int) (check func()) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/batches/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan struct{})
	go func() { // ends with the test's context
		defer res.Body.Close()
		completed := map[string]bool{}
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<22)
		for lines.Scan() {
			for _, row := range completedRow.FindAllStringSubmatch(lines.Text(), -1) {
				if completed[row[1]] = true; len(completed) == images {
					close(all)
					return
				}
			}
		}
	}()
	return func() {
		select {
		case <-all:
		case <-time.After(time.Minute): // the end of a batch is known before its last rows are drawn everywhere
			t.Error("a browser on the other process did not see every image completed")
		}
	}
}
