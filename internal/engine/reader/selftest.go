package reader

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// known is the text of the page that a program must read before it is used.
const known = "Total 1,234.50"

// test has the program read the page that is known.
func (c *Client) test(ctx context.Context) error {
	page, err := knownPage()
	if err != nil {
		return err
	}
	words, err := c.Words(ctx, page)
	if err != nil {
		return err
	}
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	if got := strings.Join(texts, " "); got != known {
		return fmt.Errorf("it read “%s” as “%s”", known, got)
	}
	return nil
}

// knownPage draws the text that is known.
func knownPage() (*image.Gray, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 32, DPI: 72})
	if err != nil {
		return nil, err
	}
	page := image.NewGray(image.Rect(0, 0, 320, 64))
	for i := range page.Pix {
		page.Pix[i] = 0xff
	}
	pen := font.Drawer{Dst: page, Src: image.NewUniform(color.Black), Face: face, Dot: fixed.P(24, 44)}
	pen.DrawString(known)
	return page, nil
}
