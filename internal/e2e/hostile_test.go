package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const rightPassword = "open sesame"

// doors are where a request may bring a body: the forms, and the uploads of people and programs.
var doors = []string{
	"POST /login", "POST /language", "POST /who", "POST /keys", "POST /keys/test", "POST /demo", "POST /templates", "POST /batches",
	"POST /batches/x/names", "POST /batches/x/columns", "POST /batches/x/start", "POST /batches/x/images", "POST /batches/x/images/1/edits",
	"POST /batches/x/rows/replace", "PUT /batches/x/images/upload-01", "PUT /api/v1/batches/x/images/upload-01", "POST /api/v1/batches", "POST /batch-process-images",
}

// siege sends many requests without a valid login to a program of its own, and valid logins meanwhile.
type siege struct {
	t    testing.TB
	p    *process
	body []byte // a form with a file
	kind string // its type

	flying  atomic.Int64 // attacks that are sent and not yet answered; those that stall are not among them
	mu      sync.Mutex
	stalled []net.Conn

	// Of right passwords and tokens. One goroutine at a time comes in and writes them.
	longest time.Duration // until one was answered
	right   map[string]*tally
}

// tally counts the right requests at one door.
type tally struct {
	asked int
	well  int // answered with success
	amid  int // of those: attacks were in flight when it was sent, and when it was answered
}

// rightDoors are where a right password and a right token are tried, with the status of success.
var rightDoors = map[string]int{"POST /login": http.StatusSeeOther, "GET /api/v1/batches": http.StatusOK}

// stranger is a client at an address of its own, which keeps no connection.
func stranger(i int) (*http.Client, *net.Dialer) {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%50))}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, d
}

// attack is one hostile request. Which kind it is, to which door and from where follows from its number. It calls flies
// once the request is in flight.
func (s *siege) attack(ctx context.Context, i int, flies func()) {
	method, path, _ := strings.Cut(doors[i/4%len(doors)], " ")
	client, dialer := stranger(i)
	var body io.Reader
	kind := "application/x-www-form-urlencoded"
	switch i % 4 {
	case 0:
		body, kind = bytes.NewReader(s.body), s.kind
	case 1:
		s.stall(ctx, dialer, method, path)
		return
	case 2:
		method, path, body = "POST", "/login", strings.NewReader(url.Values{"password": {fmt.Sprint("guess ", i)}}.Encode())
	default:
		method, path = "GET", "/api/v1/batches"
	}
	req, err := http.NewRequestWithContext(ctx, method, s.p.url+path, body)
	if err != nil {
		s.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", fmt.Sprint("Bearer guess-", i))
	s.flying.Add(1)
	defer s.flying.Add(-1)
	flies()
	res, err := client.Do(req)
	if err != nil {
		return // cut off while it still sent
	}
	defer res.Body.Close()
	if _, _ = io.Copy(io.Discard, res.Body); res.StatusCode < 300 {
		s.t.Errorf("%s %s of a stranger was answered with %s", method, path, res.Status)
	}
}

// stall begins a request and sends no more of it until the siege ends.
func (s *siege) stall(ctx context.Context, d *net.Dialer, method, path string) {
	conn, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(s.p.url, "http://"))
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	s.stalled = append(s.stalled, conn)
	s.mu.Unlock()
	_, _ = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", method, path, s.kind, len(s.body), s.body[:200])
}

// comeIn signs in with the right password and asks with it as a token.
func (s *siege) comeIn(ctx context.Context) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for door, want := range rightDoors {
		method, path, _ := strings.Cut(door, " ")
		req, err := http.NewRequestWithContext(ctx, method, s.p.url+path, nil)
		if err != nil {
			s.t.Error(err)
			return
		}
		if method == http.MethodPost {
			req.Body = io.NopCloser(strings.NewReader(url.Values{"password": {rightPassword}}.Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		} else {
			req.Header.Set("Authorization", "Bearer "+rightPassword)
		}
		count := s.right[door]
		count.asked++
		began, amid := time.Now(), s.flying.Load() > 0
		res, err := client.Do(req)
		if err != nil {
			s.t.Errorf("%s %s with the right password: %v", method, path, err)
			return
		}
		_ = res.Body.Close()
		s.longest = max(s.longest, time.Since(began))
		if res.StatusCode != want {
			s.t.Errorf("%s %s with the right password was answered with %s", method, path, res.Status)
			continue
		}
		count.well++
		if amid && s.flying.Load() > 0 {
			count.amid++
		}
	}
}

// cameAmid reports whether each right door was answered with success while attacks were in flight.
func (s *siege) cameAmid() bool {
	for _, count := range s.right {
		if count.amid == 0 {
			return false
		}
	}
	return true
}

// run sends n hostile requests, many at once, and more until each right door was answered amid them. The owner comes in
// when the first is in flight, every 100 ms from then on, and once more when only those that stall are left.
func (s *siege) run(n int) {
	ctx := s.t.Context()
	numbers, flies, amid, over := make(chan int), make(chan struct{}), make(chan struct{}), make(chan struct{})
	var attackers, owner sync.WaitGroup
	owner.Go(func() {
		every := time.NewTicker(100 * time.Millisecond)
		defer every.Stop()
		tell := sync.OnceFunc(func() { close(amid) })
		for <-flies; ; {
			s.comeIn(ctx)
			if s.cameAmid() || s.t.Failed() {
				tell()
			}
			select {
			case <-over:
				s.comeIn(ctx)
				return
			case <-every.C:
			}
		}
	})
	first := sync.OnceFunc(func() { close(flies) })
	for range 25 {
		attackers.Go(func() {
			for i := range numbers {
				s.attack(ctx, i, first)
			}
		})
	}
	for i := 0; i < n || !closed(amid) && !s.t.Failed(); i++ {
		numbers <- i
	}
	close(numbers)
	attackers.Wait()
	close(over)
	owner.Wait()
	for _, conn := range s.stalled {
		_ = conn.Close()
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// besiege sends n hostile requests, with uploads of size bytes, to a program of its own. It returns the siege with its counts
// and the process id of the program.
func besiege(t testing.TB, n, size int) (s *siege, pid int) {
	t.Helper()
	data, tmp := filepath.Join(t.TempDir(), "data"), t.TempDir()
	cmd, p := child(t, "SHEETLIFT_DATA="+data, "TMPDIR="+tmp, "SHEETLIFT_PASSWORD="+rightPassword)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("images", "a.jpg")
	if err == nil {
		_, err = part.Write(bytes.Repeat([]byte{0xff}, size))
	}
	if err != nil || form.Close() != nil {
		t.Fatal(err)
	}
	s = &siege{t: t, p: p, body: body.Bytes(), kind: form.FormDataContentType(), right: map[string]*tally{}}
	for door := range rightDoors {
		s.right[door] = &tally{}
	}
	s.comeIn(t.Context()) // so that the files that are made only once exist
	before := files(t, data, tmp)
	s.run(n)
	if after := files(t, data, tmp); !maps.Equal(before, after) {
		t.Errorf("the folders changed: before %v, after %v", before, after)
	}
	return s, cmd.Process.Pid
}

// files are the files below some folders with their sizes.
func files(t testing.TB, folders ...string) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err == nil {
				all[path] = info.Size()
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return all
}

func TestHostileRequestsWithoutASessionLeaveNothingAndHinderNobody(t *testing.T) {
	t.Parallel()
	s, _ := besiege(t, 72, 200<<10)
	for door, count := range s.right {
		// Before the attacks, amid them, and while only those that stall are left.
		if count.asked < 3 || count.well != count.asked || count.amid == 0 {
			t.Errorf("%s: of %d right requests %d were answered with success, %d of them while attacks were in flight", door, count.asked, count.well, count.amid)
		}
	}
}

// BenchmarkHostileRequests sends 1,000 hostile requests to the program in a process of its own. Every right password and
// token is answered within a second, memory stays below 200 MB, and nothing is left on the disk.
func BenchmarkHostileRequests(b *testing.B) {
	for b.Loop() {
		s, pid := besiege(b, 1000, 2<<20)
		peak := memoryOf(b, pid, "VmHWM:")
		if s.longest > time.Second {
			b.Errorf("a right password or token was answered only after %s", s.longest)
		}
		if peak > 200 {
			b.Errorf("the program took %.0f MB", peak)
		}
		asked := 0
		for _, count := range s.right {
			asked += count.asked
		}
		b.ReportMetric(float64(asked), "right-asked")
		b.ReportMetric(float64(s.longest.Milliseconds()), "ms-longest")
		b.ReportMetric(peak, "MB-peak")
	}
}
