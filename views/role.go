package views

import (
	"context"

	"github.com/a-h/templ"
)

type roleKey struct{}

// WithRole returns a context whose pages show the actions of a role: "operator" all, "viewer" those marked for it.
func WithRole(ctx context.Context, role string) context.Context {
	return context.WithValue(ctx, roleKey{}, role)
}

// looksOnly reports whether the page is for a viewer, that is, without actions other than checking and downloading.
func looksOnly(ctx context.Context) bool { return ctx.Value(roleKey{}) == "viewer" }

// roled marks the page of a viewer: static/css/viewer.css then hides every form that is not marked for viewers.
func roled(ctx context.Context) templ.Attributes {
	if looksOnly(ctx) {
		return templ.Attributes{"data-role": "viewer"}
	}
	return nil
}
