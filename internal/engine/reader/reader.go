package reader

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"sheetlift/internal/engine/layout"
)

// Program is the name of the program, which stands beside ours or on the PATH.
const Program = "sheetlift-reader"

// ErrMissing means that the program is not installed.
var ErrMissing = errors.New("the program of the neural reader was not found")

// The defaults of Options.
const (
	DefaultTimeout = time.Minute
	DefaultPages   = 200
	DefaultIdle    = 2 * time.Minute
)

// Options say which program is run, and how. The zero value is good.
type Options struct {
	Path    string        // of the program; "" means Program, beside ours or on the PATH
	Cache   string        // the folder below which it unpacks its library; it is made if it is not there
	Timeout time.Duration // for one page; 0 means DefaultTimeout
	Pages   int           // after which the program is started anew, so that no leak grows; 0 means DefaultPages
	Idle    time.Duration // after which a program without work ends; 0 means DefaultIdle
	Nice    int           // priority of its process, 0 to 19
}

// Client reads pages with the program. It is safe for concurrent use: as many programs run as pages are read at the same time. Between
// pages it owns no goroutine.
type Client struct {
	opt Options

	mu     sync.Mutex
	name   string   // as the program said with its first page
	free   []*child // without work
	idle   *time.Timer
	closed bool
}

// New looks for the program and has it read a page that is known. The error says why it cannot be used.
func New(ctx context.Context, opt Options) (*Client, error) {
	path, err := find(opt.Path)
	if err != nil {
		return nil, err
	}
	opt.Path = path
	if opt.Timeout <= 0 {
		opt.Timeout = DefaultTimeout
	}
	if opt.Pages <= 0 {
		opt.Pages = DefaultPages
	}
	if opt.Idle <= 0 {
		opt.Idle = DefaultIdle
	}
	c := &Client{opt: opt}
	if err := c.test(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// find returns the path of the program.
func find(path string) (string, error) {
	if path == "" {
		path = Program
		if self, err := os.Executable(); err == nil {
			if beside := filepath.Join(filepath.Dir(self), Program); isProgram(beside) {
				return beside, nil
			}
		}
	}
	full, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("%w (%s)", ErrMissing, path)
	}
	return filepath.Abs(full)
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Background returns a client at the lowest priority that still gets a share of a busy machine. It is closed by itself.
func (c *Client) Background() *Client {
	opt := c.opt
	opt.Nice = max(opt.Nice, backgroundNice)
	opt.Timeout *= 5
	return &Client{opt: opt, name: c.Name()}
}

// backgroundNice gets a tenth of the processor where others want it all.
const backgroundNice = 10

// Name returns the networks and the library with their versions.
func (c *Client) Name() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.name
}

// Words has a page read. If the program crashes or takes too long, it ends, and the error says so; the next page gets a new one.
func (c *Client) Words(ctx context.Context, page *image.Gray) ([]layout.Word, error) {
	one, err := c.take()
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	words, err := one.words(limited, page)
	switch {
	case err == nil:
		c.give(one)
		return words, nil
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("it took longer than %v", c.opt.Timeout)
	}
	one.kill()
	one.close()
	return nil, err
}

// take returns a program without work.
func (c *Client) take() (*child, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("the reader is closed")
	}
	if n := len(c.free); n > 0 {
		one := c.free[n-1]
		c.free = c.free[:n-1]
		return one, nil
	}
	return start(c.opt.Path, c.opt.Cache, c.opt.Nice)
}

// give takes back a program that has read a page.
func (c *Client) give(one *child) {
	c.mu.Lock()
	c.name = one.reader
	keep := !c.closed && one.pages < c.opt.Pages
	if keep {
		c.free = append(c.free, one)
		if c.idle == nil {
			c.idle = time.AfterFunc(c.opt.Idle, c.rest)
		} else {
			c.idle.Reset(c.opt.Idle)
		}
	}
	c.mu.Unlock()
	if !keep {
		one.close()
	}
}

// rest ends the programs without work.
func (c *Client) rest() {
	c.mu.Lock()
	free := c.free
	c.free = nil
	c.mu.Unlock()
	for _, one := range free {
		one.close()
	}
}

// Close ends the programs; those that read a page end after it.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	if c.idle != nil {
		c.idle.Stop()
	}
	c.mu.Unlock()
	c.rest()
}
