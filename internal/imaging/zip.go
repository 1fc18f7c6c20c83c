package imaging

import (
	"archive/zip"
	"cmp"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"sheetlift/internal/errs"
)

const (
	maxDirectory = 2 << 20 // bytes of an archive's list of files: some 20,000 names
	maxRatio     = 200     // maximum expansion of one compressed byte; pictures hardly compress
	smallFile    = 1 << 20 // size below which the ratio is ignored
	maxUnpacked  = 4       // times Limits.MaxPacked: of all files together
)

var errLongList = errors.New("list of files too long")

// archive yields the pictures in a ZIP, in the order of their names. Names are only displayed: no file is ever
// written under one.
func (w *walk) archive(filename string, up *upload) error {
	name := displayName(filename)
	list := &boundedReaderAt{ReaderAt: up, left: maxDirectory}
	z, err := zip.NewReader(list, up.size)
	if errors.Is(err, errLongList) {
		return errs.New(errs.Invalid, "%s holds too many files. Unpack it and send the pictures in it.", name)
	}
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "%s is damaged or cut off: it starts like a ZIP archive and cannot be opened. "+
			"Pack it again, or send the pictures themselves.", name)
	}
	list.opened = true
	files, office := picturesIn(z)
	switch {
	case office:
		return w.refuse(Office, name)
	case len(files) == 0:
		return errs.New(errs.Invalid, "%s is an archive without a single file. Send the pictures themselves.", name)
	}
	if err := w.check(name, z, up.size); err != nil {
		return err
	}
	w.archived, w.size = name, up.size
	left := maxUnpacked * w.limits.MaxPacked
	for _, f := range files {
		if left -= int64(min(f.UncompressedSize64, 1<<50)); left < 0 {
			return errs.New(errs.TooLarge, "%s unpacks to more than %s; the rest was left out. Send it in parts.", name,
				megabytes(maxUnpacked*w.limits.MaxPacked))
		}
		if err := w.compressed(name, f); err != nil || w.stopped {
			return err
		}
	}
	return nil
}

// compressed yields the pictures of one file in an archive.
func (w *walk) compressed(archive string, f *zip.File) error {
	filename := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
	up, err := w.unpack(displayName(filename)+" in "+archive, f)
	if err != nil {
		if !isRefusal(err) {
			return err
		}
		return w.part(Part{Filename: filename}, func(string) (*Prepared, error) { return nil, err })
	}
	defer up.close()
	return w.file(filename, up, false)
}

// unpack extracts one file of an archive as if it had been uploaded alone.
func (w *walk) unpack(name string, f *zip.File) (*upload, error) {
	switch {
	case f.Flags&1 != 0:
		return nil, errs.New(errs.Invalid, "%s is locked with a password. Unpack it and send the pictures in it.", name)
	case f.UncompressedSize64 > smallFile && f.UncompressedSize64/maxRatio > f.CompressedSize64:
		return nil, errs.New(errs.Invalid, "%s is no picture: it is packed far too tightly. Leave it out, or save the "+
			"picture anew as JPEG.", name)
	}
	body, err := f.Open()
	if err != nil {
		return nil, damagedIn(name, err)
	}
	defer body.Close()
	up, err := w.receive(w.ctx, name, &entryReader{name: name, r: body, left: int64(min(f.UncompressedSize64, 1<<50))})
	if err == nil && up.kind == ZIP {
		up.close()
		return nil, errs.New(errs.Invalid, "%s is an archive within the archive. Unpack it and send the pictures in it.", name)
	}
	return up, err
}

func damagedIn(name string, err error) error {
	return errs.Wrap(err, errs.Invalid, "%s is damaged. Pack it again, or send the picture itself.", name)
}

// entryReader reads a file of an archive, up to the size declared by the archive, and names the file in errors.
type entryReader struct {
	name string
	r    io.Reader
	left int64
}

func (u *entryReader) Read(b []byte) (int, error) {
	n, err := u.r.Read(b)
	if u.left -= int64(n); u.left < 0 {
		return 0, damagedIn(u.name, zip.ErrFormat)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = damagedIn(u.name, err)
	}
	return n, err
}

// boundedReaderAt bounds the bytes read while an archive is opened: that reads the list of its files, and the
// archive may lie about its length.
type boundedReaderAt struct {
	io.ReaderAt
	left   int64
	opened bool
}

func (m *boundedReaderAt) ReadAt(b []byte, off int64) (int, error) {
	if m.left -= int64(len(b)); m.left < 0 && !m.opened {
		return 0, errLongList
	}
	return m.ReaderAt.ReadAt(b, off)
}

// picturesIn returns the files that people put into an archive, in numeric order of their names, and whether it is
// in fact an Office document.
func picturesIn(z *zip.Reader) (files []*zip.File, office bool) {
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, `\`, "/")
		base := path.Base(name)
		switch {
		case name == "[Content_Types].xml":
			return nil, true
		case f.FileInfo().IsDir() || strings.HasSuffix(name, "/"):
		case strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(base, "."):
		case strings.EqualFold(base, "Thumbs.db") || strings.EqualFold(base, "desktop.ini"):
		default:
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b *zip.File) int { return byNumber(a.Name, b.Name) })
	return files, false
}

// byNumber compares names like people do: a run of digits by its value, so that page 2 comes before page 10.
func byNumber(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits returns the number of leading digits of s.
func digits(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
