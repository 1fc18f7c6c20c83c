package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sheetlift/internal/batch"
)

// replay is changes that have happened.
type replay []batch.Change

func (replay) CatchUp(context.Context) error { return nil }

func (r replay) Subscribe(_ context.Context, f func(batch.Change)) (cancel func(), err error) {
	for _, c := range r {
		f(c)
	}
	return func() {}, nil
}

func TestPagesAreToldOfAChangeWhenProgressHasSeenIt(t *testing.T) {
	t.Parallel()
	var order []string
	changes := notifyAfter{replay{{ID: "one"}, {ID: "one", N: 7}}, func(c batch.Change) { order = append(order, fmt.Sprint("told ", c.N)) }}
	if _, err := changes.Subscribe(t.Context(), func(c batch.Change) { order = append(order, fmt.Sprint("seen ", c.N)) }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ", "); got != "seen 0, told 0, seen 7, told 7" {
		t.Errorf("the order is %s", got)
	}
}
