package batch

import (
	"context"
	"maps"
	"strings"
	"time"
)

// cleanFolder makes a folder as sent fit to be shown: its parts with / between, without empty ones and those that only
// mean a way.
func cleanFolder(folder string) string {
	var parts []string
	for part := range strings.FieldsFuncSeq(folder, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part = cleanName(part); part != "" && part != "." && part != ".." {
			parts = append(parts, part)
		}
	}
	return cleanName(strings.Join(parts, "/"))
}

// dated is the time of the file if it can be one: cameras without a clock and broken archives say 1904 or 2107.
func (u Upload) dated() time.Time {
	if year := u.Dated.Year(); year < 1970 || u.Dated.After(time.Now().Add(48*time.Hour)) {
		return time.Time{}
	}
	return u.Dated
}

// Uploaded returns what a batch holds by the senders' own ids of the uploads, so that a sender can tell what is missing.
// An upload that broke off on the way is not among them.
func (s *Service) Uploaded(ctx context.Context, id ID) (map[string][]*Image, error) {
	if _, err := s.Batch(ctx, id); err != nil {
		return nil, err
	}
	images, err := s.ports.Repository.Images(ctx, id)
	if err != nil {
		return nil, err
	}
	inPlace(images)
	byUpload, whole := make(map[string][]*Image, len(images)), map[string]bool{}
	for _, m := range images {
		byUpload[m.Upload] = append(byUpload[m.Upload], m)
		whole[m.Upload] = whole[m.Upload] || m.Whole
	}
	maps.DeleteFunc(byUpload, func(upload string, _ []*Image) bool { return !whole[upload] })
	return byUpload, nil
}
