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
		data, _ := Files.ReadFile(entry.Name())
		sum := sha256.Sum256(data)
		all[entry.Name()] = hex.EncodeToString(sum[:8])
	}
	return all
})

// Sum is the fingerprint of an asset: 16 hex digits that change with its content, "" for a name that is none.
func Sum(name string) string { return sums()[name] }

// small is every asset compressed, each when it is first asked for.
var small = sync.OnceValue(func() map[string]func() []byte {
	all := map[string]func() []byte{}
	for name := range sums() {
		all[name] = sync.OnceValue(func() []byte {
			data, _ := Files.ReadFile(name) // it is in sums
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
