package batch_test

import (
	"fmt"
	"slices"
	"testing"

	"sheetlift/internal/batch"
)

func TestImagesOfOneNameAreToldApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ names, want []string }{
		{[]string{"image", "image", "image"}, []string{"image", "image (2)", "image (3)"}},
		{[]string{"image", "Image", "image (2)"}, []string{"image", "Image (3)", "image (2)"}},
		{[]string{"a (2)", "a", "a"}, []string{"a (2)", "a", "a (3)"}},
		{[]string{"caf\u00e9", "cafe\u0301", " caf\u00e9"}, []string{"caf\u00e9", "cafe\u0301 (2)", " caf\u00e9 (3)"}},
		{[]string{"a", "b"}, []string{"a", "b"}},
		{nil, []string{}},
	} {
		if got := batch.Apart(c.names); !slices.Equal(got, c.want) {
			t.Errorf("%q become %q, want %q", c.names, got, c.want)
		}
	}
	var images []*batch.Image
	for n := range 3 {
		images = append(images, &batch.Image{N: 7 - n, Name: "image"})
	}
	if got := fmt.Sprint(batch.NamesApart(images)); got != "map[5:image (3) 6:image (2) 7:image]" {
		t.Error(got)
	}
}
