package views

import (
	"cmp"
	"context"
)

// logPartName is the name of a part as it is read aloud.
func logPartName(ctx context.Context, name string) string { return cmp.Or(name, T(ctx, "log.rest")) }
