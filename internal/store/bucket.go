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
	markerTTL = 24 * time.Hour  // how long a deleted key still tells watchers so
	loadLimit = 5 * time.Second // one try of loading many documents; 5,000 take 60 ms
	loadTries = 2

	// loadsAtOnce is how many loads of many documents are under way at one time: each reads on the server beside what is
	// written, and of 200 uploads that each look what is there already some would wait so long that it looked like damage.
	loadsAtOnce = 4

	placeLimit = 2 * time.Second  // until a consumer must stand; on two busy cores it takes 0.3 s
	readerIdle = 10 * time.Second // a consumer that nobody asks goes after that
)

// sumHeader carries the checksum of a message: the server does not notice a flipped byte in what it stored.
const sumHeader = "Sheetlift-Sum"

var sumTable = crc32.MakeTable(crc32.Castagnoli)

func sum(data []byte) string { return strconv.FormatUint(uint64(crc32.Checksum(data, sumTable)), 16) }

var (
	errShort  = errors.New("the load ended early")                    // before all of it had come
	errBehind = errors.New("a node that is behind answered the load") // it will have caught up in a moment
)

// doc is one stored document.
type doc struct {
	key  string
	data []byte
	rev  uint64
	gone bool // deleted: data is empty
}

// bucket is a key-value bucket in the usual form of NATS, so that its tools can read it.
type bucket struct {
	s      *Store
	name   string
	kv     jetstream.KeyValue
	stream jetstream.Stream
	prefix string // of its subjects

	written atomic.Uint64 // the newest revision that this process put
}

func (s *Store) openBuckets(ctx context.Context) error {
	s.apart = nil
	for name, to := range map[string]**bucket{"batches": &s.batches, "images": &s.images, "keys": &s.keys, "templates": &s.templates, "ledger": &s.ledger} {
		b, err := s.openBucket(ctx, name)
		if err != nil {
			return err
		}
		*to = b
		if name != "batches" && name != "images" {
			s.apart = append(s.apart, b)
		}
	}
	return nil
}

func (s *Store) openBucket(ctx context.Context, name string) (*bucket, error) {
	stream, err := s.makeStream(ctx, jetstream.StreamConfig{ // what the client library makes of a bucket
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

// get returns one document; missing reports true for the error when there is none.
func (b *bucket) get(ctx context.Context, key string) (doc, error) {
	d, _, err := b.last(ctx, key)
	if err == nil && d.gone {
		err = jetstream.ErrKeyNotFound
	}
	return d, err
}

// last returns the newest revision of a key, be it a deletion, with the id of the write that made it.
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

// doc checks what was stored and makes a document of it.
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

// put writes data if the newest revision of key is still prev, 0 meaning that there is none, and returns the new
// revision. A repeated try of the same write is answered by the server with the revision of the first.
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
	// Either an earlier try landed and its acknowledgement was lost, or a new key was there before and is deleted.
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

// wrote notes a revision that this process put, for CatchUp.
func (b *bucket) wrote(rev uint64) {
	for was := b.written.Load(); was < rev && !b.written.CompareAndSwap(was, rev); was = b.written.Load() {
	}
}

// set writes data whatever was there before.
func (b *bucket) set(ctx context.Context, key string, data []byte, opts ...jetstream.PublishOpt) error {
	return b.s.try(ctx, func(ctx context.Context) error {
		m := nats.NewMsg(b.prefix + key)
		m.Data = data
		m.Header.Set(sumHeader, sum(data))
		_, err := b.s.js.PublishMsg(ctx, m, opts...)
		return err
	})
}

// remove deletes key if its newest revision is still prev and tells watchers. A key that is gone stays gone.
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

// purge forgets all keys that match the filter, without a word to watchers, and gives their room back.
func (b *bucket) purge(ctx context.Context, filter string) error {
	return b.s.try(ctx, func(ctx context.Context) error {
		return b.stream.Purge(ctx, jetstream.WithPurgeSubject(b.prefix+filter))
	})
}

// load returns the newest revision of every key that matches the filter, without those deleted. It fails when the
// server sends fewer than it said it has, or not in time: a damaged block makes it fall silent.
func (b *bucket) load(ctx context.Context, filter string) ([]doc, error) {
	var docs []doc
	var err error
	limit := time.Now().Add(patience)
	for tries := 0; ; {
		docs, err = b.loadInTurn(ctx, filter)
		if err == nil || ctx.Err() != nil || b.s.ctx.Err() != nil || !passing(err) {
			return docs, err
		}
		if tries++; tries >= loadTries && (!b.s.clustered() || time.Now().After(limit)) {
			break
		}
		select {
		case <-time.After(callPause):
		case <-ctx.Done():
		case <-b.s.ctx.Done():
		}
	}
	if errors.Is(err, errShort) || errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %s%s: %w", errDamaged, b.prefix, filter, err)
	}
	return nil, err
}

// loadInTurn is loadOnce when it is this load's turn; its time counts from then.
func (b *bucket) loadInTurn(ctx context.Context, filter string) ([]doc, error) {
	select {
	case b.s.loads <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-b.s.loads }()
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
	defer func() { // it goes by itself if this fails
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
		if i, twice := seen[d.key]; twice { // changed while it was loaded
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
			return present(docs), nil
		}
	}
	if err := got.Error(); err != nil {
		return nil, fmt.Errorf("%w: %w", errShort, err)
	}
	if len(docs) < want {
		return nil, fmt.Errorf("%w: %d of %d", errShort, len(docs), want)
	}
	if upTo < newest { // the node caught up after it had said how many there are
		return nil, errBehind
	}
	return present(docs), nil
}

// reader makes a consumer that reads the bucket once and goes by itself. It has a name of its own and stands on one node.
// A cluster may choose a node that was lost a moment ago: the call then has no answer, and only another name is placed anew.
func (b *bucket) reader(ctx context.Context, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	cfg.AckPolicy, cfg.MemoryStorage, cfg.Replicas, cfg.InactiveThreshold = jetstream.AckNonePolicy, true, 1, readerIdle
	if b.s.clustered() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, placeLimit)
		defer cancel()
	}
	return b.stream.CreateConsumer(ctx, cfg)
}

// newest is the newest revision among the keys that match the filter, as the leader of a cluster knows it, 0 when there is
// none. The load itself may come from a node that is behind; since nodes take everything in order, one that sends this
// revision has sent all that was acknowledged before the load began. The one server inside is never behind.
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

func present(docs []doc) []doc {
	kept := docs[:0]
	for _, d := range docs {
		if !d.gone {
			kept = append(kept, d)
		}
	}
	return kept
}

// lastSeq is the newest revision in the bucket.
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
