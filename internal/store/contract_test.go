package store_test

import (
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/store"
)

// columns is embedded under a name of its own: the port and its method have the same name.
type columns = store.Templates

// ports are the parts of a store that implement the ports of the domain.
type ports struct {
	batch.Repository
	batch.Pictures
	batch.Changes
	batch.ReadingCache
	*columns
	batch.Ledger
	batch.Inventory
}

func TestTheStoreKeepsTheContractOfThePorts(t *testing.T) {
	t.Parallel()
	batchtest.Run(t, func(t *testing.T) (batchtest.Store, batch.Queue) {
		s := open(t, "")
		return ports{s, s, s, s.Readings(), s.Templates(), s.Ledger(), s.Inventory()}, s.Queue()
	})
}
