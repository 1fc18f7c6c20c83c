package neural

import (
	"errors"
	"fmt"
	"io"

	"sheetlift/internal/engine/onnx"
	"sheetlift/third_party/readerfiles"
)

// systemLibraries are looked for where none is packed.
var systemLibraries = []string{"libonnxruntime.so.1", "libonnxruntime.so"}

// Program is the program sheetlift-reader: it answers pages as Serve does. The library is unpacked into a folder below cache. It
// returns the exit status.
func Program(cache string, in io.Reader, out, complaints io.Writer) int {
	r, name, err := Open(cache)
	if err == nil {
		err = r.Serve(in, out, name)
	}
	if err != nil {
		fmt.Fprintln(complaints, err)
		return 1
	}
	return 0
}

// Open opens the library and loads the networks; name is both with their versions.
func Open(cache string) (r *Reader, name string, err error) {
	library, err := openLibrary(cache)
	if err != nil {
		return nil, "", fmt.Errorf("ONNX Runtime: %w", err)
	}
	var f Files
	if f.Detector, f.Recogniser, f.Dictionary, err = readerfiles.Networks(); err != nil {
		return nil, "", err
	}
	r, err = New(library, f)
	return r, "PP-OCRv4 mobile, ONNX Runtime " + library.Version() + ", edition " + edition, err
}

// edition is raised when this package makes other words of the same page.
const edition = "1"

func openLibrary(cache string) (*onnx.Runtime, error) {
	path, err := readerfiles.Library(cache)
	if err == nil {
		return onnx.Open(path)
	}
	if !errors.Is(err, readerfiles.ErrNoLibrary) {
		return nil, err
	}
	for _, name := range systemLibraries {
		if r, serr := onnx.Open(name); serr == nil {
			return r, nil
		}
	}
	return nil, err
}
