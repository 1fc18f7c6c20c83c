// Package static holds what browsers load besides pages and pictures: styles, scripts and the mark. All of it is in
// the binary; nothing is fetched from another host.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"sync"
)

// Files is every asset by its bare name.
//
//go:embed *.css *.js *.svg
var Files embed.FS

// sums is a table made once: the first half of each asset's SHA-256 by name.
var sums = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	names, _ := fs.ReadDir(Files, ".") // an embedded folder can always be read
	for _, entry := range names {
		all[entry.Name()] = sumOf(entry.Name())
	}
	for name := range together {
		all[name] = sumOf(name)
	}
	return all
})

func sumOf(name string) string {
	data, _ := Read(name)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// together are assets that pages want at the same time, as one: a browser that asks less often paints earlier.
var together = map[string][]string{
	"base.css":  {"pico.min.css", "app.css"},
	"base.js":   {"theme.js", "htmx.min.js", "app.js"},
	"follow.js": {"hx-sse.min.js", "wire.js"},
}

// Read is the content of an asset, also of one that is made of several; fs.ErrNotExist for a name that is none.
func Read(name string) ([]byte, error) {
	parts := together[name]
	if parts == nil {
		return Files.ReadFile(name)
	}
	var whole []byte
	for _, part := range parts {
		data, err := Files.ReadFile(part)
		if err != nil {
			return nil, err
		}
		whole = append(append(whole, data...), '\n')
	}
	return whole, nil
}

// Sum is the fingerprint of an asset: 16 hex digits that change with its content, "" for a name that is none.
func Sum(name string) string { return sums()[name] }

// small is every asset compressed, each when it is first asked for.
var small = sync.OnceValue(func() map[string]func() []byte {
	all := map[string]func() []byte{}
	for name := range sums() {
		all[name] = sync.OnceValue(func() []byte {
			data, _ := Read(name) // it is in sums
			var b bytes.Buffer
			w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a level that there is
			_, _ = w.Write(data)                                  // into memory
			_ = w.Close()
			return b.Bytes()
		})
	}
	return all
})

// Small is an asset compressed with gzip, nil for a name that is none. The caller must not change it.
func Small(name string) []byte {
	if pack := small()[name]; pack != nil {
		return pack()
	}
	return nil
}

// URL is the address of an asset with its fingerprint, so that it may be cached for ever.
func URL(name string) string { return "/static/" + name + "?v=" + Sum(name) }
