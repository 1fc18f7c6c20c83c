package cli

import (
	"os"
	"path/filepath"
	"strings"

	"sheetlift/internal/errs"
)

// fence holds paths to some folders and those below them, links followed.
type fence []string

// newFence returns the fence around folders.
func newFence(folders []string) (fence, error) {
	var f fence
	for _, folder := range folders {
		real, err := filepath.EvalSymlinks(folder)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if info, statErr := os.Stat(folder); err != nil || statErr != nil || !info.IsDir() {
			return nil, errs.New(errs.NotFound, "There is no folder %s. Check its name", folder)
		}
		f = append(f, real)
	}
	return f, nil
}

// inside returns the true path of an existing file or folder inside the fence; Forbidden for one outside. A relative path is below the
// first folder.
func (f fence) inside(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(f[0], path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		if f.holds(filepath.Clean(path)) {
			return "", errs.New(errs.NotFound, "There is no %s. Check its name", path)
		}
		return "", refused(path)
	}
	if !f.holds(real) {
		return "", refused(path)
	}
	return real, nil
}

// forNew returns the true path of a file that is to be made inside the fence.
func (f fence) forNew(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(f[0], path)
	}
	dir, err := f.inside(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

func (f fence) holds(path string) bool {
	for _, folder := range f {
		if path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, string(filepath.Separator))+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
