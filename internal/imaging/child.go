package imaging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gen2brain/heic"
)

// Decoders that are not memory-safe, or whose need cannot be told from a header, run in a process of their own. Whatever
// they do there, it ends there.
const (
	childWall   = 60 * time.Second // longer than any picture within the limits takes on a busy machine
	childCPU    = 30               // seconds
	childMemory = 1 << 30          // bytes of writable memory; address space would count what is merely reserved
	childOutput = 256 << 20        // bytes that it may write
	childTells  = 4 << 10          // bytes of what it says about an error that are kept
)

// DecodeHEICCommand is the word that stands before the file's name when Limits.Self is started as that process.
const DecodeHEICCommand = "decode-heic"

// DecodeHEIC reads the HEIC file of that name and writes it to w as JPEG, upright. It is meant for a process of its own,
// since its decoder may take any memory and any time; see Limits.Self.
func DecodeHEIC(name string, w io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	img, err := heic.Decode(f)
	if err != nil {
		return err
	}
	return jpeg.Encode(w, img, &jpeg.Options{Quality: childQuality})
}

// childQuality is so high that the second compression does not show.
const childQuality = 95

// The programs that are used where they are installed.
const (
	heifConvert = "heif-convert" // Debian: libheif-examples
	avifDec     = "avifdec"      // Debian: libavif-bin
	pdfInfo     = "pdfinfo"      // Debian: poppler-utils
	pdfToPPM    = "pdftoppm"
)

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// opens reports whether this machine has what opens a format that is not taken in everywhere.
func (p *Preparer) opens(f Format) bool {
	switch f {
	case HEIC:
		return p.limits.Self != "" || installed(heifConvert)
	case AVIF:
		return installed(heifConvert) || installed(avifDec)
	case PDF:
		return installed(pdfInfo) && installed(pdfToPPM)
	}
	return false
}

// decode opens a picture whose header was checked, in a child process where its format asks for that.
func (p *Preparer) decode(ctx context.Context, h header, up *upload) (image.Image, error) {
	if h.kind != HEIC && h.kind != AVIF {
		return decode(ctx, h, up)
	}
	dir, err := p.lay(up, "in")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out.jpg")
	switch {
	case installed(heifConvert):
		_, err = run(ctx, heifConvert, "-q", fmt.Sprint(childQuality), in, out)
	case h.kind == AVIF:
		_, err = run(ctx, avifDec, "--jobs", "1", "-q", fmt.Sprint(childQuality), in, out)
	default:
		err = p.self(ctx, in, out)
	}
	if err != nil {
		return nil, err
	}
	return fromChild(ctx, out)
}

// fromChild opens the JPEG that a child wrote. Of a file with several pictures that is the first.
func fromChild(ctx context.Context, out string) (image.Image, error) {
	f, err := os.Open(out)
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.Open(out[:len(out)-len(".jpg")] + "-1.jpg")
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, errDamaged
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h, err := readHeader(JPEG, f, info.Size())
	if err != nil {
		return nil, err
	}
	return decode(ctx, h, &upload{ReaderAt: f, size: info.Size(), kind: JPEG})
}

// self opens a HEIC with this program's own decoder.
func (p *Preparer) self(ctx context.Context, in, out string) error {
	data, err := run(ctx, p.limits.Self, DecodeHEICCommand, in)
	if err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o600)
}

// lay puts a file that has arrived into a folder of its own, for a program that wants a name.
func (p *Preparer) lay(up *upload, name string) (dir string, err error) {
	if dir, err = os.MkdirTemp(p.limits.TmpDir, "child-*"); err != nil {
		return "", err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err == nil {
		_, err = io.Copy(f, io.NewSectionReader(up, 0, up.size))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

// run runs a program under limits and returns what it wrote. Of what it says when it fails the first part is in the
// error, which is one of the file, not of this machine, unless the program could not be started.
func run(ctx context.Context, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, childWall)
	defer cancel()
	var out, tells bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"LC_ALL=C", "OMP_NUM_THREADS=1"}
	cmd.Stdout, cmd.Stderr = &capped{&out, childOutput}, &capped{&tells, childTells}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	limit(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		return nil, &childError{fmt.Errorf("%s: %w: %s", filepath.Base(program), err, bytes.TrimSpace(tells.Bytes()))}
	}
	return out.Bytes(), nil
}

// childError is a program's failure at a file.
type childError struct{ error }

// capped keeps the first bytes and refuses more, which ends a program that writes without end.
type capped struct {
	b    *bytes.Buffer
	most int
}

func (c *capped) Write(b []byte) (int, error) {
	if c.b.Len()+len(b) > c.most {
		return 0, errors.New("it wrote too much")
	}
	return c.b.Write(b)
}
