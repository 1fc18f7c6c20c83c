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
	"strings"
	"time"

	"github.com/gen2brain/heic"
)

// Decoders that are not memory-safe, or whose memory cannot be computed from a header, run in a child process, so
// that a crash or an exploit ends there.
const (
	childTimeout = 5 * time.Minute // for a child that hangs; one that computes is ended by childCPU, however busy the machine is
	childCPU     = 60              // seconds
	childMemory  = 1 << 30         // bytes of writable memory; a limit of address space would count reserved memory too
	childOutput  = 256 << 20       // bytes that it may write
	childStderr  = 4 << 10         // bytes of its error output that are kept
	outputLimit  = time.Minute     // for reading the rest of its output after its end; a busy machine has taken more than a second
)

// DecodeHEICCommand is the argument before the file's name when Limits.Self is started as a child process.
const DecodeHEICCommand = "decode-heic"

// DecodeHEIC decodes the HEIC file of that name and writes its main picture to w as JPEG, upright. Run it in a
// process of its own, since its decoder may take any memory and any time; see Limits.Self.
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

// childQuality is high enough that the second compression is not visible.
const childQuality = 95

// External programs, used if installed.
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

// canDecode reports whether this machine has the decoder of a format that is not supported everywhere.
func (p *Preparer) canDecode(f Format) bool {
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

// decode decodes a picture whose header was checked, in a child process if its format requires one.
func (p *Preparer) decode(ctx context.Context, h header, up *upload) (image.Image, error) {
	if h.kind != HEIC && h.kind != AVIF {
		return decode(ctx, h, up)
	}
	dir, err := p.writeTemp(up, "in")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out"+childForm(h))
	switch {
	case installed(heifConvert):
		_, err = run(ctx, dir, heifConvert, "-q", fmt.Sprint(childQuality), in, out)
	case h.kind == AVIF:
		_, err = run(ctx, dir, avifDec, "--jobs", "1", "-q", fmt.Sprint(childQuality), in, out)
	case h.transparent: // our own decoder drops transparency and returns black
		err = &unsupported{"a HEIC picture with transparency"}
	default:
		out = filepath.Join(dir, "out.jpg")
		err = p.decodeSelf(ctx, in, out)
	}
	if err != nil {
		return nil, err
	}
	return fromChild(ctx, out, h.page)
}

// childForm returns the file extension of a child's output: JPEG has no transparency.
func childForm(h header) string {
	if h.transparent {
		return ".png"
	}
	return ".jpg"
}

// fromChild decodes the picture that a child wrote. Of a file with several pictures it wrote all; page is the main
// one.
func fromChild(ctx context.Context, out string, page int) (image.Image, error) {
	form := filepath.Ext(out)
	f, err := os.Open(out)
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.Open(fmt.Sprintf("%s-%d%s", strings.TrimSuffix(out, form), page, form))
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
	kind := JPEG
	if form == ".png" {
		kind = PNG
	}
	h, err := readHeader(kind, f, info.Size())
	if err != nil {
		return nil, err
	}
	return decode(ctx, h, &upload{ReaderAt: f, size: info.Size(), kind: kind})
}

// decodeSelf decodes a HEIC with this program's own decoder in a child process.
func (p *Preparer) decodeSelf(ctx context.Context, in, out string) error {
	data, err := run(ctx, filepath.Dir(in), p.limits.Self, DecodeHEICCommand, in)
	if err != nil {
		return err
	}
	return os.WriteFile(out, data, 0o600)
}

// writeTemp writes an upload to a folder of its own, for a program that needs a file name.
func (p *Preparer) writeTemp(up *upload, name string) (dir string, err error) {
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

// run runs a program under limits and returns its output. Its temporary files go to dir. If it fails, the error
// holds the start of its error output. That error blames the picture, not this machine, unless the program could
// not be started.
func run(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, childTimeout)
	defer cancel()
	var out, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"LC_ALL=C", "OMP_NUM_THREADS=1", "TMPDIR=" + dir}
	cmd.Stdout, cmd.Stderr = &boundedBuffer{&out, childOutput}, &boundedBuffer{&stderr, childStderr}
	cmd.WaitDelay = outputLimit
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	limit(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		return nil, &childError{fmt.Errorf("%s: %w: %s", filepath.Base(program), err, bytes.TrimSpace(stderr.Bytes()))}
	}
	return out.Bytes(), nil
}

// childError is the failure of a program to process a file.
type childError struct{ error }

// boundedBuffer keeps the first bytes and then fails, which ends a program that writes without end.
type boundedBuffer struct {
	b   *bytes.Buffer
	max int
}

func (c *boundedBuffer) Write(b []byte) (int, error) {
	if c.b.Len()+len(b) > c.max {
		return 0, errors.New("it wrote too much")
	}
	return c.b.Write(b)
}
