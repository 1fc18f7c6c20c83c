package imaging

import (
	"cmp"
	"context"
	"io"
)

// Prepare prepares the first part of a file.
func (p *Preparer) Prepare(ctx context.Context, filename string, r io.Reader) (*Prepared, error) {
	for part, err := range p.Parts(ctx, filename, r, func(int) bool { return false }) {
		return part.Picture, cmp.Or(err, part.Refused)
	}
	return nil, nil
}

// HoldMemory takes n bytes of the budget, as a running decode does, until the returned function is called.
func (p *Preparer) HoldMemory(ctx context.Context, n int64) (release func(), err error) {
	if err := p.memory.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { p.memory.Release(n) }, nil
}

// Header parses a file's header as Prepare does.
func Header(data []byte) (width, height, orientation, pages int, err error) {
	up := newMemory(data)
	h, err := readHeader(Sniff(data), up, up.size)
	return h.width, h.height, h.orientation, h.pages, err
}

// EXIFOrientation is exifOrientation for the fuzzer.
func EXIFOrientation(block []byte) int { return exifOrientation(block) }

// Kept returns the stripped file that Prepare would keep without re-encoding, or nil.
func Kept(data []byte) []byte {
	up := newMemory(data)
	up.kind = Sniff(data)
	h, err := readHeader(up.kind, up, up.size)
	if err != nil {
		return nil
	}
	kept, err := New(Limits{KeepBytes: 1 << 30}).keep(up, h)
	if err != nil {
		return nil
	}
	return kept
}

// Target is the prepared size of a picture of w by h pixels.
func (p *Preparer) Target(w, h int) (int, int) { return p.target(w, h) }

// RunChild is run.
func RunChild(ctx context.Context, dir, program string, args ...string) ([]byte, error) {
	return run(ctx, dir, program, args...)
}

// Opens is canDecode.
func (p *Preparer) Opens(f Format) bool { return p.canDecode(f) }
