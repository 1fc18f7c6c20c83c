package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	history   = 8               // revisions kept of each document, a safety net
	markerTTL = 24 * time.Hour  // how long a delete marker informs watchers
	loadLimit = 5 * time.Second // one try of loading many documents; 5,000 take 60 ms
	loadTries = 2

	// maxLoads bounds concurrent loads of many documents: each reads on the server beside the writes. With 200
	// uploads that each list the existing images, some loads would wait so long that it looked like damage.
	maxLoads = 4

	placeTimeout = 2 * time.Second  // until a consumer must be placed; on two busy cores it takes 0.3 s
	readerIdle   = 10 * time.Second // a consumer without requests is removed after that
)

// sumHeader carries the checksum of a message: the server does not detect a flipped byte in stored data.
const sumHeader = "Sheetlift-Sum"

var sumTable = crc32.MakeTable(crc32.Castagnoli)

func sum(data []byte) string { return strconv.FormatUint(uint64(crc32.Checksum(data, sumTable)), 16) }

var (
	errShort  = errors.New("the load ended early")                    // before all documents had arrived
	errBehind = errors.New("a node that is behind answered the load") // it catches up in a moment
)

// doc is a stored document.
type doc struct {
	key  string
	data []byte
	rev  uint64
	gone bool // deleted: data is empty
}

// bucket is a key-value bucket in the usual form of NATS, so that NATS tools can read it.
type bucket struct {
	s      *Store
	name   string
	kv     jetstream.KeyValue
	stream jetstream.Stream
	prefix string // of its subjects

	lastWritten atomic.Uint64 // the newest revision that this process wrote
}

func (s *Store) openBuckets(ctx context.Context) error {
	s.documents = nil
	for name, to := range map[string]**bucket{"batches": &s.batches, "images": &s.images, "keys": &s.keys, "templates": &s.templates, "ledger": &s.ledger, "access": &s.access, "hooks": &s.hooks} {
		b, err := s.openBucket(ctx, name)
		if err != nil {
			return err
		}
		*to = b
		if name != "batches" && name != "images" && name != "access" && name != "hooks" {
			s.documents = append(s.documents, b)
		}
	}
	return nil
}

func (s *Store) openBucket(ctx context.Context, name string) (*bucket, error) {
	stream, err := s.makeStream(ctx, jetstream.StreamConfig{ // as the client library configures a bucket
		Name: "KV_" + name, Subjects: []string{"$KV." + name + ".>"}, MaxMsgsPerSubject: history, AllowRollup: true,
		DenyDelete: true, Discard: jetstream.DiscardNew, AllowMsgTTL: true, SubjectDeleteMarkerTTL: markerTTL,
	})
	if err != nil {
		return nil, err
	}
	kv, err := s.js.KeyValue(ctx, name)
	if err != nil {
		return nil, err
	}
	return &bucket{s: s, name: name, kv: kv, stream: stream, prefix: "$KV." + name + "."}, nil
}

// get returns a document; missing reports true for the error if there is none.
func (b *bucket) get(ctx context.Context, key string) (doc, error) {
	d, _, err := b.last(ctx, key)
	if err == nil && d.gone {
		err = jetstream.ErrKeyNotFound
	}
	return d, err
}

// last returns the newest revision of a key, including a deletion, with the id of the write that made it.
func (b *bucket) last(ctx context.Context, key string) (d doc, write string, err error) {
	err = b.s.try(ctx, func(ctx context.Context) error {
		m, err := b.stream.GetLastMsgForSubject(ctx, b.prefix+key)
		if err != nil {
			return err
		}
		write = m.Header.Get(jetstream.MsgIDHeader)
		d, err = b.doc(m.Subject, m.Sequence, m.Header, m.Data)
		return err
	})
	return d, write, err
}

// doc verifies a stored message and converts it.
func (b *bucket) doc(subject string, seq uint64, h nats.Header, data []byte) (doc, error) {
	d := doc{key: strings.TrimPrefix(subject, b.prefix), rev: seq}
	if h.Get("KV-Operation") != "" || h.Get("Nats-Marker-Reason") != "" {
		d.gone = true
		return d, nil
	}
	if want := h.Get(sumHeader); want != sum(data) {
		return d, fmt.Errorf("%w: %s", errDamaged, subject)
	}
	d.data = data
	return d, nil
}

// put writes data if the newest revision of key is still prev (0: none exists), and returns the new revision. The
// server answers a repeated try of the same write with the revision of the first.
func (b *bucket) put(ctx context.Context, key string, data []byte, prev uint64) (uint64, error) {
	write := rand.Text()
	var rev uint64
	tries := 0
	publish := func(ctx context.Context) error {
		tries++
		m := nats.NewMsg(b.prefix + key)
		m.Data = data
		m.Header.Set(jetstream.MsgIDHeader, write)
		m.Header.Set(sumHeader, sum(data))
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(prev, 10))
		ack, err := b.s.js.PublishMsg(ctx, m)
		if err == nil {
			rev = ack.Sequence
		}
		return err
	}
	err := b.s.try(ctx, publish)
	if !hasCode(err, codeWrongRevision) || tries == 1 && prev > 0 {
		return rev, err
	}
	// Either an earlier try succeeded and its acknowledgement was lost, or the new key existed before and is
	// deleted.
	d, by, readErr := b.last(ctx, key)
	switch {
	case readErr != nil:
		return 0, err
	case by == write:
		return d.rev, nil
	case prev == 0 && d.gone:
		prev = d.rev
		err = b.s.try(ctx, publish)
	}
	return rev, err
}

// noteWritten records a revision that this process wrote, for CatchUp.
func (b *bucket) noteWritten(rev uint64) {
	for was := b.lastWritten.Load(); was < rev && !b.lastWritten.CompareAndSwap(was, rev); was = b.lastWritten.Load() {
	}
}

// set writes data regardless of the current revision.
func (b *bucket) set(ctx context.Context, key string, data []byte, opts ...jetstream.PublishOpt) error {
	return b.s.try(ctx, func(ctx context.Context) error {
		m := nats.NewMsg(b.prefix + key)
		m.Data = data
		m.Header.Set(sumHeader, sum(data))
		_, err := b.s.js.PublishMsg(ctx, m, opts...)
		return err
	})
}

// remove deletes key if its newest revision is still prev, and informs watchers. Removing a deleted key is no
// error.
func (b *bucket) remove(ctx context.Context, key string, prev uint64) error {
	err := b.s.try(ctx, func(ctx context.Context) error {
		return b.kv.Purge(ctx, key, jetstream.LastRevision(prev), jetstream.PurgeTTL(markerTTL))
	})
	if hasCode(err, codeWrongRevision) {
		if d, _, readErr := b.last(ctx, key); readErr == nil && d.gone || missing(readErr) {
			return nil
		}
	}
	return err
}

// purge deletes all keys that match the filter without informing watchers, and frees their space.
func (b *bucket) purge(ctx context.Context, filter string) error {
	return b.s.try(ctx, func(ctx context.Context) error {
		return b.stream.Purge(ctx, jetstream.WithPurgeSubject(b.prefix+filter))
	})
}

// load returns the newest revision of every key that matches the filter, without deleted ones. It fails if the
// server sends fewer messages than it announced, or too late: a damaged block makes it stop sending.
func (b *bucket) load(ctx context.Context, filter string) ([]doc, error) {
	var docs []doc
	var err error
	limit := time.Now().Add(retryLimit)
	for tries := 0; ; {
		docs, err = b.loadLimited(ctx, filter)
		if err == nil || ctx.Err() != nil || b.s.ctx.Err() != nil || !retryable(err) {
			return docs, err
		}
		if tries++; tries >= loadTries && (!b.s.clustered() || time.Now().After(limit)) {
			break
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
		case <-b.s.ctx.Done():
		}
	}
	if errors.Is(err, errShort) || errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %s%s: %w", errDamaged, b.prefix, filter, err)
	}
	return nil, err
}

// loadLimited is loadOnce once a slot is free; its timeout starts then.
func (b *bucket) loadLimited(ctx context.Context, filter string) ([]doc, error) {
	select {
	case b.s.loadSlots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-b.s.loadSlots }()
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	return b.loadOnce(ctx, filter)
}

func (b *bucket) loadOnce(ctx context.Context, filter string) (docs []doc, err error) {
	newest, err := b.newest(ctx, filter)
	if err != nil {
		return nil, err
	}
	cons, err := b.reader(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubject: b.prefix + filter,
	})
	if err != nil {
		return nil, err
	}
	name, want := cons.CachedInfo().Name, int(cons.CachedInfo().NumPending)
	defer func() { // it expires by itself if this fails
		_ = b.stream.DeleteConsumer(context.WithoutCancel(ctx), name)
	}()
	if want == 0 {
		if newest > 0 {
			return nil, errBehind
		}
		return nil, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	got, err := cons.Fetch(want, jetstream.FetchContext(ctx))
	if err != nil {
		return nil, err
	}
	seen := make(map[string]int, want)
	var upTo uint64
	for m := range got.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		d, err := b.doc(m.Subject(), meta.Sequence.Stream, m.Headers(), m.Data())
		if err != nil {
			return nil, err
		}
		if i, twice := seen[d.key]; twice { // changed during the load
			docs[i] = d
		} else {
			seen[d.key] = len(docs)
			docs = append(docs, d)
		}
		upTo = max(upTo, d.rev)
		if meta.NumPending == 0 {
			if upTo < newest {
				return nil, errBehind
			}
			return withoutDeleted(docs), nil
		}
	}
	if err := got.Error(); err != nil {
		return nil, fmt.Errorf("%w: %w", errShort, err)
	}
	if len(docs) < want {
		return nil, fmt.Errorf("%w: %d of %d", errShort, len(docs), want)
	}
	if upTo < newest { // the node caught up after it had announced the number
		return nil, errBehind
	}
	return withoutDeleted(docs), nil
}

// reader creates a consumer that reads the bucket once and expires by itself. It has a unique name and one replica.
// A cluster may place it on a node that was just lost: the call then gets no answer, and only a new name is placed
// again.
func (b *bucket) reader(ctx context.Context, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	cfg.AckPolicy, cfg.MemoryStorage, cfg.Replicas, cfg.InactiveThreshold = jetstream.AckNonePolicy, true, 1, readerIdle
	if b.s.clustered() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, placeTimeout)
		defer cancel()
	}
	return b.stream.CreateConsumer(ctx, cfg)
}

// newest returns the newest revision among the keys that match the filter, as the leader of a cluster knows it; 0
// if there is none. The load itself may be served by a node that is behind. Nodes apply everything in order, so one
// that sends this revision has sent everything acknowledged before the load began. The embedded server is never
// behind.
func (b *bucket) newest(ctx context.Context, filter string) (uint64, error) {
	if !b.s.clustered() {
		return 0, nil
	}
	m, err := b.stream.GetLastMsgForSubject(ctx, b.prefix+filter)
	if missing(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return m.Sequence, nil
}

func withoutDeleted(docs []doc) []doc {
	kept := docs[:0]
	for _, d := range docs {
		if !d.gone {
			kept = append(kept, d)
		}
	}
	return kept
}

// lastSeq returns the newest revision in the bucket.
func (b *bucket) lastSeq(ctx context.Context) (seq uint64, err error) {
	err = b.s.try(ctx, func(ctx context.Context) error {
		info, err := b.stream.Info(ctx)
		if err == nil {
			seq = info.State.LastSeq
		}
		return err
	})
	return seq, err
}
