package imaging

import (
	"bytes"
	"context"
	"fmt"
)

// Rotate rotates a picture made by Prepare clockwise by quarter turns, 1 to 3, and recomputes its thumbnail and
// hash. Source and Notes of the result are empty. An error means that data was not made by Prepare.
func (p *Preparer) Rotate(ctx context.Context, data []byte, quarters int) (*Prepared, error) {
	turns := []int{1, 6, 3, 8} // as in EXIF
	if quarters < 1 || quarters >= len(turns) {
		return nil, fmt.Errorf("turn a picture by %d quarters", quarters)
	}
	up := newMemory(data)
	up.kind = Sniff(data)
	h, err := readHeader(up.kind, bytes.NewReader(data), up.size)
	if err != nil {
		return nil, fmt.Errorf("read prepared picture: %w", err)
	}
	need := max(p.minMemory, h.memory())
	if err := p.memory.Acquire(ctx, need); err != nil {
		return nil, err
	}
	defer p.release(need)
	img, err := decode(ctx, h, up)
	if err != nil {
		return nil, fmt.Errorf("open prepared picture: %w", err)
	}
	b := img.Bounds()
	pic := shrink(img, b.Dx(), b.Dy()).upright(turns[quarters])
	out, err := p.finish(&Prepared{}, h, pic)
	if err != nil {
		return nil, err
	}
	out.Notes = nil // the caller keeps the original ones
	return out, nil
}
