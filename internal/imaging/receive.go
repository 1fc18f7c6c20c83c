package imaging

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"sheetlift/internal/errs"
)

const (
	sniffBytes = 4096      // bytes at a file's start that determine its type
	inMemory   = 128 << 10 // bytes of a file kept in memory during its upload; 200 concurrent uploads must not add up
)

// upload is a received file: a short one in memory, a longer one in an unlinked temporary file.
type upload struct {
	io.ReaderAt
	size   int64
	kind   Format
	digest string
	file   *os.File // or nil
}

func newMemory(data []byte) *upload {
	return &upload{ReaderAt: bytes.NewReader(data), size: int64(len(data))}
}

func (u *upload) close() {
	if u.file != nil {
		_ = u.file.Close()
		_ = os.Remove(u.file.Name()) // already removed on systems that can remove open files
	}
}

// receive reads a whole file. An unusable one is refused by its first bytes, before the rest has arrived.
func (p *Preparer) receive(ctx context.Context, name string, r io.Reader) (*upload, error) {
	sum := sha256.New()
	in := io.TeeReader(&ctxReader{ctx: ctx, r: r}, sum)
	start := make([]byte, sniffBytes)
	n, err := io.ReadFull(in, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, receiveError(ctx, name, err)
	}
	start = start[:n]
	kind := Sniff(start)
	if err := p.refuse(kind, name); err != nil {
		return nil, err
	}
	limit, remedy := p.limits.MaxBytes, "Save it smaller, for instance as JPEG, and send that."
	if kind == ZIP || kind == PDF {
		limit, remedy = p.limits.MaxPacked, "Send it in parts."
	}
	u, err := p.spool(io.MultiReader(bytes.NewReader(start), io.LimitReader(in, limit+1-int64(n))))
	if err != nil {
		return nil, receiveError(ctx, name, err)
	}
	if u.size > limit {
		u.close()
		return nil, errs.New(errs.TooLarge, "%s is larger than %s, the limit for one file. %s", name, megabytes(limit), remedy)
	}
	u.kind, u.digest = kind, hex.EncodeToString(sum.Sum(nil))
	return u, nil
}

// spool stores the bytes of r.
func (p *Preparer) spool(r io.Reader) (*upload, error) {
	var b bytes.Buffer
	_, err := io.CopyN(&b, r, inMemory)
	if errors.Is(err, io.EOF) {
		return newMemory(b.Bytes()), nil
	}
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(p.limits.TmpDir, "upload-*")
	if err != nil {
		return nil, &storageError{err}
	}
	u := &upload{ReaderAt: f, file: f}
	_ = os.Remove(f.Name()) // so that a crash leaves nothing behind; on systems that refuse this, close does it
	w := &tmpWriter{f}
	n, err := b.WriteTo(w)
	if err == nil {
		u.size, err = io.Copy(w, r)
	}
	if err != nil {
		u.close()
		return nil, err
	}
	u.size += n
	return u, nil
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// receiveError returns the reason why a file did not arrive.
func receiveError(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s, ok := errors.AsType[*storageError](err); ok {
		return fmt.Errorf("keep upload while it arrives: %w", s.err)
	}
	if errs.KindOf(err) != errs.Internal {
		return err
	}
	return errs.Wrap(err, errs.Invalid, "%s did not arrive whole: the connection broke off. Send it again.", name)
}

// storageError marks an error of this machine, not of the sender.
type storageError struct{ err error }

func (s *storageError) Error() string { return s.err.Error() }
func (s *storageError) Unwrap() error { return s.err }

type tmpWriter struct{ f *os.File }

func (w *tmpWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		return n, &storageError{err}
	}
	return n, nil
}

// ctxReader fails once its context has ended.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (g *ctxReader) Read(b []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	return g.r.Read(b)
}
