package imaging

import "context"

// HoldMemory takes n bytes of the budget, as a decode at work does, until the returned function is called.
func (p *Preparer) HoldMemory(ctx context.Context, n int64) (release func(), err error) {
	if err := p.memory.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { p.memory.Release(n) }, nil
}

// Header reads a file's header as Prepare does.
func Header(data []byte) (width, height, orientation, pages int, err error) {
	up := newMemory(data)
	h, err := readHeader(Sniff(data), up, up.size)
	return h.width, h.height, h.orientation, h.pages, err
}

// EXIFOrientation is exifOrientation for the fuzzer.
func EXIFOrientation(block []byte) int { return exifOrientation(block) }

// StripJPEG and StripPNG are the rewriters for the fuzzer.
func StripJPEG(data []byte) []byte { return stripJPEG(data) }

// StripPNG see StripJPEG.
func StripPNG(data []byte) []byte { return stripPNG(data) }
