// Package readerfiles holds the networks and the library of the neural reader.
package readerfiles

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/compress/zstd"
)

//go:embed SHA256SUMS detector.onnx recogniser.onnx dictionary.txt libonnxruntime-*.zst
var files embed.FS

// maxLibrary bounds the library that is unpacked, in bytes.
const maxLibrary = 128 << 20

// ErrNoLibrary means that there is no library for this system and processor here.
var ErrNoLibrary = errors.New("no library is packed for this processor")

// Networks returns the detector, the recogniser and the dictionary of letters.
func Networks() (detector, recogniser, dictionary []byte, err error) {
	for name, to := range map[string]*[]byte{"detector.onnx": &detector, "recogniser.onnx": &recogniser, "dictionary.txt": &dictionary} {
		if *to, err = files.ReadFile(name); err != nil {
			return nil, nil, nil, err
		}
	}
	return detector, recogniser, dictionary, nil
}

// Library returns the path of the library, unpacked in a folder below dir. A file that is there already is used if its sum is
// right, and replaced if not. Several processes may unpack it at the same time.
func Library(dir string) (string, error) {
	name := "libonnxruntime-" + runtime.GOOS + "-" + runtime.GOARCH + ".so"
	compressed, err := files.ReadFile(name + ".zst")
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoLibrary
	}
	if err != nil {
		return "", err
	}
	sum, err := sumOf(name)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(dir, sum[:16])
	path := filepath.Join(folder, name)
	if have, err := os.ReadFile(path); err == nil && same(have, sum) {
		return path, nil
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxLibrary), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return "", err
	}
	defer unpack.Close()
	library, err := unpack.DecodeAll(compressed, nil)
	if err != nil {
		return "", err
	}
	if !same(library, sum) {
		return "", fmt.Errorf("%s is damaged: its sum is not the one in SHA256SUMS", name)
	}
	return path, write(folder, path, library)
}

// write makes the file of that path in one step.
func write(folder, path string, data []byte) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it has another name if all went well
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o500), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func same(data []byte, sum string) bool {
	got := sha256.Sum256(data)
	return hex.EncodeToString(got[:]) == sum
}

// sumOf returns the sum that a file must have.
func sumOf(name string) (string, error) {
	sums, err := files.ReadFile("SHA256SUMS")
	if err != nil {
		return "", err
	}
	for line := range bytes.Lines(sums) {
		if sum, of, ok := strings.Cut(strings.TrimSpace(string(line)), "  "); ok && of == name && len(sum) == 2*sha256.Size {
			return sum, nil
		}
	}
	return "", fmt.Errorf("SHA256SUMS does not name %s", name)
}
