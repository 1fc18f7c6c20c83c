package upkeep

import (
	"context"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Repairs of findings. Each is idempotent, and each checks the store again before it removes anything.

const swept = "It was swept."

func (c *check) sweepPicture(p batch.StoredPicture) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return repairedIf(swept)(c.Inventory.SweepPicture(ctx, p, c.Before))
	}
}

func (c *check) sweepRows(r batch.StoredRows) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return repairedIf(swept)(c.Inventory.SweepRows(ctx, r, c.Before))
	}
}

func (c *check) sweepReading(r batch.StoredReading) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return repairedIf(swept)(c.Inventory.SweepReading(ctx, r, c.Before))
	}
}

func (c *check) sweepUnit(u batch.Unit) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return repairedIf(swept)(c.Inventory.SweepUnit(ctx, u, c.Before))
	}
}

func repairedIf(text string) func(bool, error) (string, error) {
	return func(done bool, err error) (string, error) {
		if !done {
			return "", err
		}
		return text, err
	}
}

// removeImage removes an image that was never acknowledged; its picture becomes an orphan for the next check.
func (c *check) removeImage(m *batch.Image) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if !m.Added.Before(c.Before) {
			return "", nil
		}
		err := c.Repository.RemoveImage(ctx, m)
		switch {
		case errs.Is(err, errs.Conflict):
			return "", nil // a worker changed it: do not remove it
		case err != nil && !errs.Is(err, errs.NotFound):
			return "", err
		}
		return "It was removed.", c.Pictures.DropPicture(ctx, m.Batch, m.Picture.Key)
	}
}

func (c *check) resume(id batch.ID) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if c.resumed[id] {
			return "It was queued.", nil
		}
		if _, err := c.Runs.Requeue(ctx, id); err != nil {
			return "", err
		}
		c.resumed[id] = true
		return "It was queued.", nil
	}
}

func (c *check) finish(id batch.ID) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return repairedIf("It was ended.")(c.Runs.Finish(ctx, id))
	}
}

func (c *check) erase(id batch.ID) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) { return "It was erased.", c.Retention.Erase(ctx, id) }
}
