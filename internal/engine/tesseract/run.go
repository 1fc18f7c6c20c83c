package tesseract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/layout"
	"sheetlift/internal/errs"
)

// segmentation is how the tool looks at a page (its --psm).
type segmentation string

const (
	uniform segmentation = "6"  // one block of lines: best for tables and receipts
	sparse  segmentation = "11" // text wherever it is: finds more on poor pictures
)

const (
	maxOutput = 16 << 20 // bytes of words; a dense page has 200 KB
	maxErrors = 8 << 10  // bytes of complaints kept for the log
	// outputLimit is how long the rest of its output may take to be read after its end: a busy machine has taken more than a second.
	outputLimit = time.Minute
	probeTime   = 10 * time.Second

	backgroundNice = 10 // of 19; a tenth of the processor where others want it all
)

// tool is the command line program.
type tool struct {
	path, language, dataDir string
	timeout                 time.Duration
	background              bool // it gives way to everything else on the machine
}

func find(opt Options) (tool, error) {
	path := opt.Path
	if path == "" {
		path = "tesseract"
	}
	full, err := exec.LookPath(path)
	if err != nil {
		return tool{}, notInstalled(path, err)
	}
	t := tool{path: full, language: opt.Language, dataDir: opt.DataDir, timeout: opt.Timeout}
	if t.language == "" {
		t.language = "eng"
	}
	if t.timeout <= 0 {
		t.timeout = DefaultTimeout
	}
	return t, nil
}

// probe returns the tool's version and the languages (and orientation data) that it has data for. It returns an error if
// the configured language is not among them.
func (t tool) probe(ctx context.Context) (version string, data []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	out, err := t.run(ctx, nil, "--version")
	if err != nil {
		return "", nil, notInstalled(t.path, err)
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	version, _, _ = strings.Cut(strings.TrimSpace(rest), "\n")
	if name != "tesseract" || version == "" {
		return "", nil, notInstalled(t.path, fmt.Errorf("%q is not Tesseract's answer to --version", firstLine(out)))
	}
	langs, err := t.run(ctx, nil, "--list-langs")
	if err != nil {
		return "", nil, notInstalled(t.path, err)
	}
	for line := range strings.Lines(string(langs)) {
		data = append(data, strings.TrimSpace(line))
	}
	if slices.Contains(data, t.language) {
		return strings.TrimSpace(version), data, nil
	}
	return "", nil, errs.New(errs.Unavailable,
		"Tesseract is installed, but its language data “%s” is missing. Install it, on Debian or Ubuntu with "+
			"“sudo apt-get install tesseract-ocr-%s”, and start again.", t.language, t.language)
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return line[:min(len(line), 80)]
}

// words runs the tool once over a picture.
func (t tool) words(ctx context.Context, p *image.Gray, how segmentation) (words []layout.Word, err error) {
	limited, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	out, err := t.run(limited, pgm(p), "-", "-", "-l", t.language, "--oem", "1", "--psm", string(how), "--dpi", "300", "tsv")
	if err == nil {
		return words, danger.Do(ctx, func() error {
			words = parseTSV(out)
			return nil
		})
	}
	if ctx.Err() == nil && limited.Err() != nil {
		return nil, &engine.Failure{
			Why:     engine.Crashed,
			Message: fmt.Sprintf("Reading this picture took longer than %.0f seconds and was stopped. Crop it to the table and upload it again.", t.timeout.Seconds()),
			Class:   "timeout",
			Err:     err,
		}
	}
	return nil, err
}

// run starts the tool in a process group of its own with an environment that holds nothing of ours, and ends the whole
// group when ctx ends. It returns when the process is gone and reaped.
func (t tool) run(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	// One thread per process: with more the same page costs six times the CPU time.
	cmd.Env = []string{"OMP_THREAD_LIMIT=1", "LC_ALL=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin"}
	if t.dataDir != "" {
		cmd.Env = append(cmd.Env, "TESSDATA_PREFIX="+t.dataDir)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = outputLimit
	out, complaints := &bounded{max: maxOutput}, &bounded{max: maxErrors}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, out, complaints
	err := cmd.Start()
	if err == nil {
		if t.background {
			_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, backgroundNice) // without it, it is only less polite
		}
		err = cmd.Wait()
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaints.buf.String()))
	case out.cut:
		return nil, errors.New("the tool wrote more than a page can hold")
	}
	return out.buf.Bytes(), nil
}

// bounded keeps the first max bytes written to it and swallows the rest, so that a chatty child neither blocks nor
// fills the memory.
type bounded struct {
	buf bytes.Buffer // not embedded: its ReadFrom would go around the limit
	max int
	cut bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := min(b.max-b.buf.Len(), len(p))
	b.buf.Write(p[:room])
	b.cut = b.cut || room < len(p)
	return len(p), nil
}

// pgm is the picture in the plainest format the tool takes.
func pgm(p *image.Gray) io.Reader {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	return io.MultiReader(strings.NewReader(fmt.Sprintf("P5\n%d %d\n255\n", w, h)), bytes.NewReader(p.Pix))
}
