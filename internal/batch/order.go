package batch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// part is which part of its upload an image is; images that were stored before there were parts are the first.
func (m *Image) part() int { return max(m.Part, 1) }

// UploadID tells an image from all others of its batch as its sender would: by the upload's own id, and for the parts of a
// file after the first by the part as well.
func (m *Image) UploadID() string {
	if m.Part <= 1 {
		return m.Upload
	}
	return fmt.Sprintf("%s-%d", m.Upload, m.Part)
}

// DefaultName is the name of an image that nobody named: its file's without the extension, and its page.
func (m *Image) DefaultName() string {
	name := m.Filename
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	return name + pageOf(m.Page)
}

// pageOf is what a name ends in for a page of a document.
func pageOf(page int) string {
	if page == 0 {
		return ""
	}
	return fmt.Sprintf(" page %d", page)
}

// NextPosition is the position after all images of a draft.
func NextPosition(images []*Image) int {
	next := 1
	for _, m := range images {
		next = max(next, m.position()+1)
	}
	return next
}

// position is the wanted place; images that were stored before it was kept stand where their number says.
func (m *Image) position() int { return cmp.Or(m.Position, m.N) }

// inPlace orders the images of a draft: by the place their upload wanted, uploads for one place as they came, the parts
// of one upload together.
func inPlace(images []*Image) {
	first := map[string]int{} // the smallest number of an upload's images
	for _, m := range images {
		if n, ok := first[m.Upload]; !ok || m.N < n {
			first[m.Upload] = m.N
		}
	}
	slices.SortFunc(images, func(a, b *Image) int {
		return cmp.Or(
			cmp.Compare(a.position(), b.position()),
			cmp.Compare(first[a.Upload], first[b.Upload]),
			cmp.Compare(a.part(), b.part()),
			cmp.Compare(a.N, b.N),
		)
	})
}
