// Package static holds the assets of the pages: styles, scripts and the logo. All of them are embedded in the binary; nothing
// is fetched from another host.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"regexp"
	"strings"
	"sync"
)

// Files contains every asset by its path. The stylesheets of the program stand in css, one file for each piece of the pages;
// browsers get them as bundles.
//
//go:embed *.js *.d.ts *.py *.svg *.min.css css/*.css
var Files embed.FS

// Client is the asset with the client of the API for browsers and Node; programs on other pages import it by its plain address.
const Client = "sheetlift.js"

// sums caches the first half of each asset's SHA-256, by name.
var sums = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	names, _ := fs.ReadDir(Files, ".") // an embedded folder can always be read
	for _, entry := range names {
		if !entry.IsDir() {
			all[entry.Name()] = sumOf(entry.Name())
		}
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

// together are bundles of assets that pages need at the same time: with fewer requests a browser paints earlier.
// A stylesheet may override those before it.
var together = map[string][]string{
	"base.css": {
		"pico.min.css", "css/tokens.css", "css/ground.css", "css/bar.css", "css/controls.css", "css/state.css", "css/upload.css",
		"css/tables.css", "css/rows.css", "css/cells.css", "css/image.css", "css/menus.css", "css/columns.css",
		"css/messages.css", "css/narrow.css", "css/viewer.css", "css/found.css",
	},
	"check.css": {"css/check.css"},
	"queue.css": {"css/readout.css", "css/queue.css", "css/kinds.css"},
	"sheet.css": {"css/sheet.css"},
	"queue.js":  {"queue-store.js", "queue-end.js", "queue-ask.js"},
	"sheet.js":  {"tsv.js", "grid-rows.js", "grid-send.js", "grid.js"},
	"base.js":   {"theme.js", "htmx.min.js", "app.js"},
	"follow.js": {"hx-sse.min.js", "wire.js"},
}

// spare is the part of a stylesheet that is for people: comments and indentation. No string in them looks like either.
var spare = regexp.MustCompile(`(?:/\*(?s:.*?)\*/|\s*\n)\s*`)

// Read returns the content of an asset or a bundle; fs.ErrNotExist for an unknown name.
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
		if strings.HasPrefix(part, "css/") {
			data = spare.ReplaceAll(data, []byte("\n"))
		}
		whole = append(append(whole, data...), '\n')
	}
	return whole, nil
}

// Sum returns the fingerprint of an asset: 16 hex digits that change with its content; "" for an unknown name.
func Sum(name string) string { return sums()[name] }

// small caches every asset compressed, each on first use.
var small = sync.OnceValue(func() map[string]func() []byte {
	all := map[string]func() []byte{}
	for name := range sums() {
		all[name] = sync.OnceValue(func() []byte {
			data, _ := Read(name) // every name in sums can be read
			var b bytes.Buffer
			w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a valid level
			_, _ = w.Write(data)                                  // writes to memory
			_ = w.Close()
			return b.Bytes()
		})
	}
	return all
})

// Small returns an asset compressed with gzip, nil for an unknown name. The caller must not change it.
func Small(name string) []byte {
	if pack := small()[name]; pack != nil {
		return pack()
	}
	return nil
}

// URL returns the address of an asset with its fingerprint, so that it can be cached for ever.
func URL(name string) string { return "/static/" + name + "?v=" + Sum(name) }
