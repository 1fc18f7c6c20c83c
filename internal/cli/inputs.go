package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/errs"
)

// input is a file to read.
type input struct {
	path   string // "-" is standard input
	root   string // the folder that was named, or that of the file
	folder string // below the folder that was named, for display
	size   int64
	dated  time.Time
}

// id returns the upload id of a file: the same while the file stays as it is.
func (f input) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d", f.path, f.size, f.dated.UnixNano()))
	return hex.EncodeToString(sum[:16])
}

// name returns the name of the file.
func (f input) name() string {
	if f.path == "-" {
		return "standard-input"
	}
	return filepath.Base(f.path)
}

// opener returns how the file is opened. Standard input can be read once.
func (f input) opener(stdin io.Reader) func() (io.ReadCloser, error) {
	if f.path != "-" {
		return func() (io.ReadCloser, error) { return os.Open(f.path) }
	}
	return func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }
}

// pictureEndings are the endings of files that a folder is searched for.
var pictureEndings = []string{"jpg", "jpeg", "jpe", "png", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif", "pdf", "zip"}

func hasStdin(files []input) bool {
	return slices.ContainsFunc(files, func(f input) bool { return f.path == "-" })
}

// collect returns the files that the words name, each once, those of a folder in the order of their names; left is how many files in
// folders were left out because their names are not those of pictures.
func collect(words []string) (files []input, left int, err error) {
	seen := map[string]bool{}
	add := func(f input) {
		if !seen[f.path] {
			seen[f.path] = true
			files = append(files, f)
		}
	}
	for _, word := range words {
		if word == "-" {
			add(input{path: "-"})
			continue
		}
		info, err := os.Stat(word)
		if err != nil {
			return nil, 0, errs.Wrap(err, errs.NotFound, "There is no %s. Check its name", word)
		}
		if !info.IsDir() {
			add(input{path: word, root: filepath.Dir(word), size: info.Size(), dated: info.ModTime()})
			continue
		}
		found, others, err := walk(word)
		if err != nil {
			return nil, 0, err
		}
		left += others
		for _, f := range found {
			add(f)
		}
	}
	if len(files) == 0 {
		return nil, left, errs.New(errs.Invalid, "There is no picture in %s. Pictures end in .jpg, .png, .pdf and the like", strings.Join(words, ", "))
	}
	return files, left, nil
}

// walk returns the pictures in a folder and the folders in it. Hidden files and folders, and folders of unfinished runs, are passed over.
func walk(root string) (files []input, left int, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != root && strings.HasPrefix(d.Name(), "."), d.IsDir() && strings.HasSuffix(d.Name(), workSuffix):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case !isPicture(path):
			left++
			return nil
		}
		info, err := os.Stat(path) // follows links
		if err != nil || !info.Mode().IsRegular() {
			left++
			return nil
		}
		below, _ := filepath.Rel(root, filepath.Dir(path)) // both are from the same walk
		files = append(files, input{path: path, root: root, folder: strings.TrimPrefix(filepath.ToSlash(below), "."), size: info.Size(), dated: info.ModTime()})
		return nil
	})
	if err != nil {
		return nil, 0, errs.Wrap(err, errs.Unavailable, "The folder %s cannot be read: %s", root, err)
	}
	slices.SortFunc(files, func(a, b input) int { return natural(a.path, b.path) })
	return files, left, nil
}

func isPicture(path string) bool {
	return slices.Contains(pictureEndings, strings.ToLower(strings.TrimPrefix(filepath.Ext(path), ".")))
}

// natural compares names so that sheet-2 comes before sheet-10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			p, q := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if len(p) != len(q) {
				return len(p) - len(q)
			}
			if c := strings.Compare(p, q); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
