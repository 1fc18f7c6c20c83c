package store_test

import (
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/batchtest"
)

func TestTheStoreKeepsTheContractOfThePorts(t *testing.T) {
	t.Parallel()
	batchtest.Run(t, func(t *testing.T) (batchtest.Store, batch.Queue) {
		s := open(t, "")
		return s, s.Queue()
	})
}
