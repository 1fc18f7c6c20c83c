package store

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"sheetlift/internal/errs"
)

const (
	callTimeout = 3 * time.Second        // one try of a call; an election in a cluster takes longer, so calls are repeated
	retryLimit  = 12 * time.Second       // how long a call is repeated: longer than the worst election seen (7.3 s)
	retryPause  = 100 * time.Millisecond // between two tries
)

// Error codes of the server that the client library does not name.
const (
	codeWrongRevision   jetstream.ErrorCode = 10071
	codeStoreFailed     jetstream.ErrorCode = 10077
	codeNoResources     jetstream.ErrorCode = 10023
	codeNoMemory        jetstream.ErrorCode = 10028
	codeNoStorage       jetstream.ErrorCode = 10047
	codeNoPeers         jetstream.ErrorCode = 10005
	codeInProcess       jetstream.ErrorCode = 10158 // an earlier try of the same write is in progress
	codeConcurrentWrite jetstream.ErrorCode = 10164 // clusters only: another write of the same document is in progress
)

// errDamaged means that stored data differs from the data written.
var errDamaged = errors.New("stored data is damaged")

// try calls f until it succeeds, each time with its own deadline, for at most retryLimit, or openTimeout while the store inside
// opens. f must be idempotent; it is not called after ctx has ended.
func (s *Store) try(ctx context.Context, f func(context.Context) error) error {
	patience := retryLimit
	if s.opening.Load() && !s.clustered() { // a start that fails on a busy machine is worse than one that takes long
		patience = openTimeout
	}
	limit := time.Now().Add(patience)
	for {
		if s.ctx.Err() != nil {
			return errClosed()
		}
		if ctx.Err() != nil { // f may send before it looks at its context
			return ctx.Err()
		}
		c, cancel := context.WithTimeout(ctx, callTimeout)
		err := f(c)
		cancel()
		if err == nil || ctx.Err() != nil || !retryable(err) || time.Now().After(limit) {
			return err
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return err
		case <-s.ctx.Done():
			return errClosed()
		}
	}
}

// retryable reports whether err may be gone at the next try.
func retryable(err error) bool {
	for _, e := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrConnectionReconnecting,
		nats.ErrDisconnected, nats.ErrStaleConnection, jetstream.ErrNoStreamResponse, jetstream.ErrNoHeartbeat,
		jetstream.ErrJetStreamNotEnabled, jetstream.ErrAsyncPublishTimeout, errShort,
		nats.ErrReconnectBufExceeded, jetstream.ErrTooManyStalledMsgs, errBehind,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.Code == 503 && !full(err) || api.ErrorCode == codeInProcess || api.ErrorCode == codeConcurrentWrite)
}

func hasCode(err error, code jetstream.ErrorCode) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == code
}

func full(err error) bool {
	return hasCode(err, codeNoResources) || hasCode(err, codeNoMemory) || hasCode(err, codeNoStorage)
}

// missing reports whether err means that the message does not exist.
func missing(err error) bool {
	return errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrKeyNotFound) ||
		errors.Is(err, jetstream.ErrKeyDeleted)
}

// fail gives err a kind and a message for people. An error that has them keeps them.
func (s *Store) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*errs.Error](err); ours {
		return err
	}
	switch {
	case s.ctx.Err() != nil:
		return errClosed()
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled):
		return errs.Wrap(ctx.Err(), errs.Unavailable, "The request was given up before the store answered.")
	case missing(err):
		return errs.Wrap(err, errs.NotFound, "There is nothing here: it was deleted, or the address is wrong.")
	case hasCode(err, codeWrongRevision):
		return errs.Wrap(err, errs.Conflict, "Somebody else changed this first. Reload the page and try again.")
	case errors.Is(err, errDamaged):
		return errs.Wrap(err, errs.Unavailable, "What is stored in %s is damaged. Ask your technician to restore it "+
			"from a backup.", s.place())
	case full(err):
		return errs.Wrap(err, errs.Full, "There is no room left in %s. Free some space, then try again.", s.place())
	}
	if noRoom := s.room(0); errs.Is(noRoom, errs.Full) { // the server reports no error when a write finds no space
		return errs.Wrap(err, errs.Full, "%s", errs.Message(noRoom))
	}
	return errs.Wrap(err, errs.Unavailable, "The store did not answer in time. Please try again in a moment; if it "+
		"stays, ask your technician to look at %s.", s.place())
}

// place names the location of the data, for people.
func (s *Store) place() string {
	if s.cfg.Memory {
		return "the memory of the program"
	}
	if s.clustered() {
		return "the cluster at " + s.cfg.Cluster.String()
	}
	return "the data folder " + s.cfg.Dir
}

func errClosed() error {
	return errs.New(errs.Unavailable, "The program is stopping. Please try again in a moment.")
}
