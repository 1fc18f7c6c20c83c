package gemini

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"google.golang.org/genai"

	"sheetlift/internal/keypool"
)

// clients holds the SDK's clients, one for each key; a client cannot change its key.
type clients struct {
	baseURL string
	http    *http.Client

	mu  sync.Mutex
	all map[string]*genai.Client // by the pool's id of the key, never by the key
}

// maxClients bounds the map when keys come and go for years.
const maxClients = 1000

// errNoClient replaces every error of the SDK's constructor: those print the configuration, including the key.
var errNoClient = errors.New("the SDK refused to make a client for this key")

// of returns the client of a key. With the id "" the client is not cached.
func (c *clients) of(ctx context.Context, id string, secret keypool.Secret) (*genai.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.all[id]; client != nil && id != "" {
		return client, nil
	}
	value := secret.Reveal()
	if value == "" { // the SDK would take one from the environment
		return nil, errNoClient
	}
	client, err := genai.NewClient(ctx, &genai.ClientConfig{ // a new config each time: the SDK keeps and changes it
		APIKey:      value,
		Backend:     genai.BackendGeminiAPI, // else the environment decides
		HTTPClient:  c.http,
		HTTPOptions: genai.HTTPOptions{BaseURL: c.baseURL}, // else the environment decides
	})
	if err != nil {
		return nil, errNoClient
	}
	if len(c.all) >= maxClients {
		clear(c.all)
	}
	if id != "" {
		c.all[id] = client
	}
	return client, nil
}

// newHTTPClient returns the client that all keys share. It never follows a redirect, and has no timeout of its own:
// each attempt's context has one.
func newHTTPClient(under http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     &wire{under: under},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
