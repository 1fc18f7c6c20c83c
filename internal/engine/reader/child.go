package reader

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"sheetlift/internal/engine/layout"
)

// The bounds of one running program.
const (
	childMemory = 1 << 30 // bytes of writable memory; a page takes half of it at most
	childFile   = 64 << 20
	goodbye     = 2 * time.Second // between the end of its input and its death
	maxSaid     = 2 << 10         // bytes of its last words that are kept for the log
)

// child is one running program. It reads one page at a time.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	said   *os.File // its error output, a file without a name
	pages  int      // read so far
	reader string   // its name with versions, as it says
}

// start starts the program at this priority. It unpacks its library below cache.
func start(program, cache string, nice int) (*child, error) {
	said, err := os.CreateTemp("", "sheetlift-reader-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(said.Name()) // it stays open
	cmd := exec.Command(program, cache)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "GOMEMLIMIT=256MiB"} // nothing of ours
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = said
	in, err := cmd.StdinPipe()
	var out io.ReadCloser
	if err == nil {
		out, err = cmd.StdoutPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_ = said.Close()
		return nil, err
	}
	limit(cmd.Process.Pid)
	_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, nice) // without it, it is only less polite
	return &child{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10), said: said}, nil
}

// words has the program read a page. After an error the program is of no use any more.
func (c *child) words(ctx context.Context, page *image.Gray) ([]layout.Word, error) {
	// The program ends with ctx, and with it the pipes.
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	if err := WritePage(c.in, page); err != nil {
		return nil, c.why(err)
	}
	a, err := ReadAnswer(c.out)
	if err != nil {
		return nil, c.why(err)
	}
	c.pages++
	c.reader = a.Reader
	if a.Problem != "" {
		return nil, errors.New(a.Problem)
	}
	return a.layoutWords(page.Rect.Dx(), page.Rect.Dy()), nil
}

// kill ends the program with all that it started.
func (c *child) kill() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

// close ends the program and waits until it is gone.
func (c *child) close() {
	_ = c.in.Close()
	t := time.AfterFunc(goodbye, c.kill)
	_ = c.cmd.Wait()
	t.Stop()
	_ = c.said.Close()
}

// why is err with the program's last words.
func (c *child) why(err error) error {
	info, serr := c.said.Stat()
	if serr != nil || info.Size() == 0 {
		return err
	}
	// A program that crashes says first why, and then where.
	head := make([]byte, min(info.Size(), maxSaid))
	n, _ := c.said.ReadAt(head, 0)
	return fmt.Errorf("%w: %s", err, strings.TrimSpace(strings.ToValidUTF8(string(head[:n]), "?")))
}
