package views

import (
	"context"

	"github.com/a-h/templ"
)

type themeKey struct{}

// WithTheme returns a context whose pages are "light" or "dark"; any other word follows the system setting.
func WithTheme(ctx context.Context, theme string) context.Context {
	return context.WithValue(ctx, themeKey{}, theme)
}

// themed marks the root element of a page with an explicit theme.
func themed(ctx context.Context) templ.Attributes {
	theme, _ := ctx.Value(themeKey{}).(string)
	if theme != "light" && theme != "dark" {
		return nil
	}
	return templ.Attributes{"data-theme": theme}
}
