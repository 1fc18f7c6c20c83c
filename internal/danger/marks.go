package danger

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	slotSize = 128  // bytes per mark, padded with spaces
	minSlots = 128  // marks that the file has room for from the start
	maxFiles = 1000 // processes that may store marks in one folder
)

// file stores marks. A mark is one write into preallocated room, without a sync: it survives a crash of the
// process. It need not survive a power cut, for which no image is to blame.
type file struct {
	on *os.File

	mu    sync.Mutex
	taken []bool // by slot
	left  map[string]int
}

// open locks a file that no living process uses, and returns the marks in it.
func open(dir string) (*file, []Mark, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	if err := own(dir, os.Geteuid()); err != nil {
		return nil, nil, err
	}
	for n := 1; n <= maxFiles; n++ {
		f, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(n)), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, nil, err
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
			_ = f.Close()
			continue
		}
		m := &file{on: f, left: map[string]int{}}
		marks, err := m.load()
		if err != nil {
			_ = f.Close()
			return nil, nil, err
		}
		return m, marks, nil
	}
	return nil, nil, fmt.Errorf("%d processes leave their marks in %s", maxFiles, dir)
}

// own refuses a folder that another user made or can access: its name can be guessed.
func own(dir string, user int) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) != user || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a folder of our own: %w", dir, fs.ErrPermission)
	}
	return nil
}

// load returns the stored marks and preallocates the file. On a full disk the file stays short.
func (m *file) load() (marks []Mark, err error) {
	data, err := io.ReadAll(m.on)
	if err != nil {
		return nil, err
	}
	m.taken = make([]bool, max(minSlots, (len(data)+slotSize-1)/slotSize))
	full := false
	for slot := range m.taken {
		line := data[min(slot*slotSize, len(data)):min((slot+1)*slotSize, len(data))]
		if mark, ok := parse(string(line)); ok {
			m.taken[slot], m.left[mark.ID] = true, slot
			marks = append(marks, mark)
		} else if len(line) < slotSize && !full {
			full = m.write(slot, "") != nil // then a mark may fail too, which put reports
		}
	}
	return marks, nil
}

func (m *file) forget(mark Mark) {
	m.mu.Lock()
	slot, ok := m.left[mark.ID]
	delete(m.left, mark.ID)
	m.mu.Unlock()
	if ok {
		m.clear(slot)
	}
}

// close unlocks the file. Its marks stay.
func (m *file) close() error {
	_ = unix.Flock(int(m.on.Fd()), unix.LOCK_UN)
	return m.on.Close()
}

// put writes a mark. The slot is taken even if that fails.
func (m *file) put(mark Mark) (slot int, err error) {
	m.mu.Lock()
	for slot < len(m.taken) && m.taken[slot] {
		slot++
	}
	if slot == len(m.taken) {
		m.taken = append(m.taken, false)
	}
	m.taken[slot] = true
	m.mu.Unlock()
	return slot, m.write(slot, mark.String())
}

// clear removes the mark in a slot.
func (m *file) clear(slot int) {
	_ = m.write(slot, "") // a stale mark is overwritten by the next one, or makes an image be read alone
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken[slot] = false
}

func (m *file) write(slot int, text string) error {
	line := bytes.Repeat([]byte{' '}, slotSize)
	copy(line[:slotSize-1], text)
	line[slotSize-1] = '\n'
	_, err := m.on.WriteAt(line, int64(slot)*slotSize)
	return err
}

// String formats the mark as stored in the file; people can read it too.
func (m Mark) String() string {
	how := "shared"
	if m.Alone {
		how = "alone"
	}
	return fmt.Sprintf("%s %d %s %s %s", m.Image.Batch, m.Image.N, how, m.Made.UTC().Format(time.RFC3339Nano), m.ID)
}

// parse is the inverse of String.
func parse(line string) (Mark, bool) {
	f := strings.Fields(line)
	if len(f) != 5 || f[2] != "alone" && f[2] != "shared" {
		return Mark{}, false
	}
	n, err1 := strconv.Atoi(f[1])
	made, err2 := time.Parse(time.RFC3339Nano, f[3])
	return Mark{ID: f[4], Image: Image{Batch: f[0], N: n}, Alone: f[2] == "alone", Made: made}, err1 == nil && err2 == nil && n > 0
}
