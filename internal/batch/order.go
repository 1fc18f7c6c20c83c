package batch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// part returns the part number within the upload; images stored before parts existed are the first.
func (m *Image) part() int { return max(m.Part, 1) }

// UploadID identifies an image within its batch as its client knows it: by the upload's own id, and for later parts of a file
// by the part as well.
func (m *Image) UploadID() string {
	if m.Part <= 1 {
		return m.Upload
	}
	return fmt.Sprintf("%s-%d", m.Upload, m.Part)
}

// DefaultName returns the name of an image without a given name: the file name without the extension, and the page.
func (m *Image) DefaultName() string {
	name := m.Filename
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	return name + pageOf(m.Page)
}

// pageOf returns the suffix of a name for a page of a document.
func pageOf(page int) string {
	if page == 0 {
		return ""
	}
	return fmt.Sprintf(" page %d", page)
}

// NextPosition returns the position after all images of a draft.
func NextPosition(images []*Image) int {
	next := 1
	for _, m := range images {
		next = max(next, m.position()+1)
	}
	return next
}

// position returns the requested position; images stored before the field existed use their N.
func (m *Image) position() int { return cmp.Or(m.Position, m.N) }

// sortByPosition sorts the images of a draft by requested position; uploads for the same position stay in upload order, and the parts
// of one upload stay together.
func sortByPosition(images []*Image) {
	first := map[string]int{} // the lowest N of each upload
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
