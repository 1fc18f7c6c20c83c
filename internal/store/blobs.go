package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// chunkSize is the maximum size of a message of an object: external servers accept 1 MB by default.
const chunkSize = 512 << 10

// wholeHeader is equal on all chunks of an object: the number of chunks, and the size and checksum of the object.
const wholeHeader = "Sheetlift-Whole"

const pictureStream = "PICTURES"

func (s *Store) openPictures(ctx context.Context) error {
	stream, err := s.makeStream(ctx, jetstream.StreamConfig{
		Name: pictureStream, Subjects: []string{"pic.>", "rows.>"}, MaxMsgsPerSubject: 1,
	})
	s.pictures = stream
	return err
}

// blobPlace says where an object is stored.
type blobPlace struct {
	subject string
	first   uint64 // the lowest of its sequence numbers
}

// putBlob stores data in chunks below subject. The first chunk is written last: without it the object does not
// exist.
func (s *Store) putBlob(ctx context.Context, subject string, data []byte) (blobPlace, error) {
	parts := max(1, (len(data)+chunkSize-1)/chunkSize)
	whole := fmt.Sprintf("%d %d %s", parts, len(data), sum(data))
	place := blobPlace{subject: subject}
	for i := parts - 1; i >= 0; i-- {
		m := nats.NewMsg(chunkSubject(subject, i))
		m.Data = data[i*chunkSize : min(len(data), (i+1)*chunkSize)]
		m.Header.Set(wholeHeader, whole)
		err := s.try(ctx, func(ctx context.Context) error {
			ack, err := s.js.PublishMsg(ctx, m)
			if err == nil && place.first == 0 {
				place.first = ack.Sequence
			}
			return err
		})
		if err != nil {
			return blobPlace{}, err
		}
	}
	return place, nil
}

// getBlob returns a complete object. missing reports true for the error if it does not exist.
func (s *Store) getBlob(ctx context.Context, subject string) (data []byte, err error) {
	for range 3 { // it may be replaced during the read
		if data, err = s.getBlobOnce(ctx, subject); !errors.Is(err, errDamaged) {
			return data, err
		}
	}
	return nil, err
}

func (s *Store) getBlobOnce(ctx context.Context, subject string) ([]byte, error) {
	first, err := s.getChunk(ctx, subject, 0)
	if err != nil {
		return nil, err
	}
	whole := first.Header.Get(wholeHeader)
	var parts, size int
	var check string
	if _, err := fmt.Sscanf(whole, "%d %d %s", &parts, &size, &check); err != nil || size < len(first.Data) ||
		parts != max(1, (size+chunkSize-1)/chunkSize) {
		return nil, fmt.Errorf("%w: %s: head %q", errDamaged, subject, whole)
	}
	data := first.Data
	for i := 1; i < parts; i++ {
		m, err := s.getChunk(ctx, subject, i)
		if missing(err) {
			return nil, fmt.Errorf("%w: %s: part %d of %d is missing", errDamaged, subject, i+1, parts)
		}
		if err != nil {
			return nil, err
		}
		if m.Header.Get(wholeHeader) != whole {
			return nil, fmt.Errorf("%w: %s: part %d is of another picture", errDamaged, subject, i+1)
		}
		data = append(data, m.Data...)
	}
	if len(data) != size || sum(data) != check {
		return nil, fmt.Errorf("%w: %s: checksum", errDamaged, subject)
	}
	return data, nil
}

func (s *Store) getChunk(ctx context.Context, subject string, i int) (m *jetstream.RawStreamMsg, err error) {
	err = s.try(ctx, func(ctx context.Context) error {
		m, err = s.pictures.GetLastMsgForSubject(ctx, chunkSubject(subject, i))
		return err
	})
	return m, err
}

// purgeBefore removes the messages that match the filter and are older than the sequence number before; all for 0.
func (s *Store) purgeBefore(ctx context.Context, filter string, before uint64) error {
	opts := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(filter)}
	if before > 0 {
		opts = append(opts, jetstream.WithPurgeSequence(before))
	}
	return s.try(ctx, func(ctx context.Context) error { return s.pictures.Purge(ctx, opts...) })
}

func chunkSubject(subject string, i int) string { return fmt.Sprintf("%s.%d", subject, i) }
