package draft

import (
	"context"
	"maps"
	"strings"
	"time"

	"sheetlift/internal/batch"
)

// cleanFolder makes a folder path as sent fit for display: elements joined with /, without empty ones, "." and "..".
func cleanFolder(folder string) string {
	var parts []string
	for part := range strings.FieldsFuncSeq(folder, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part = batch.CleanName(part); part != "" && part != "." && part != ".." {
			parts = append(parts, part)
		}
	}
	return batch.CleanName(strings.Join(parts, "/"))
}

// takenAt returns the file time if it is plausible: cameras without a clock and broken archives report 1904 or 2107.
func (u Upload) takenAt() time.Time {
	if year := u.TakenAt.Year(); year < 1970 || u.TakenAt.After(time.Now().Add(48*time.Hour)) {
		return time.Time{}
	}
	return u.TakenAt
}

// Uploaded returns the images of a batch by the clients' own upload ids, so that a client can tell which uploads are missing.
// Uploads that were interrupted are not included.
func (s *Service) Uploaded(ctx context.Context, id batch.ID) (map[string][]*batch.Image, error) {
	if _, err := s.batches.Batch(ctx, id); err != nil {
		return nil, err
	}
	images, err := s.ports.Repository.Images(ctx, id)
	if err != nil {
		return nil, err
	}
	batch.SortByPosition(images)
	byUpload, whole := make(map[string][]*batch.Image, len(images)), map[string]bool{}
	for _, m := range images {
		byUpload[m.Upload] = append(byUpload[m.Upload], m)
		whole[m.Upload] = whole[m.Upload] || m.UploadComplete
	}
	maps.DeleteFunc(byUpload, func(upload string, _ []*batch.Image) bool { return !whole[upload] })
	return byUpload, nil
}
