package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"text/tabwriter"
	"time"

	"sheetlift/internal/access"
	"sheetlift/internal/config"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
)

const (
	tokensPath      = "/tokens" // on the control socket
	maxTokenRequest = 4 << 10
)

// TokenRequest is a command on the tokens of programs.
type TokenRequest struct {
	Do   string `json:"Do"`   // create, list or revoke
	Name string `json:"Name"` // of the token; to revoke, its id is accepted, too
	Role string `json:"Role"` // to create
}

type tokenAnswer struct {
	Tokens []access.Token `json:"Tokens"`
	Secret string         `json:"Secret"` // of one that was created
}

// Tokens carries out a command on the tokens of programs and writes the outcome. The process that works on the data folder
// carries it out, where there is one; otherwise this process opens the folder or cluster itself.
func Tokens(ctx context.Context, c *config.Config, req TokenRequest, w io.Writer, log *slog.Logger) error {
	if c.Data == config.Memory && c.Cluster.URL == "" {
		return errs.New(errs.Invalid, "SHEETLIFT_DATA is :memory:, and what another process has in memory cannot be reached. Set a data folder")
	}
	var answer tokenAnswer
	err := carriedOut(ctx, c, log, req.Do == "create", func() (err error) {
		answer, err = tokensOfRunning(ctx, c, req)
		return err
	}, func(s *store.Store) (err error) {
		answer, err = tokensStored(ctx, s, req, log)
		return err
	})
	if err != nil {
		return err
	}
	switch req.Do {
	case "create":
		fmt.Fprintln(w, answer.Secret)
	case "revoke":
		fmt.Fprintf(w, "The token %s is revoked.\n", answer.Tokens[0].Name)
	default:
		return listTokens(w, answer.Tokens)
	}
	return nil
}

func listTokens(w io.Writer, tokens []access.Token) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tROLE\tCREATED\tLAST USED")
	for _, t := range tokens {
		used := "never"
		if !t.Used.IsZero() {
			used = t.Used.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Role, t.Created.Local().Format("2006-01-02 15:04"), used)
	}
	return table.Flush()
}

// carryOut carries out the command on a registry that has loaded all tokens.
func carryOut(ctx context.Context, g *access.Registry, req TokenRequest) (a tokenAnswer, err error) {
	var t access.Token
	switch req.Do {
	case "create":
		role, _ := access.ParseRole(req.Role)
		t, a.Secret, err = g.Create(ctx, req.Name, role, time.Now())
		a.Tokens = []access.Token{t}
	case "revoke":
		t, err = g.Revoke(ctx, req.Name)
		a.Tokens = []access.Token{t}
	default:
		a.Tokens = g.Tokens()
	}
	return a, err
}

// answerTokens handles a command on tokens from the control socket.
func (c Control) answerTokens(w http.ResponseWriter, r *http.Request) {
	var req TokenRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTokenRequest)).Decode(&req); err != nil {
		http.Error(w, "The command could not be read.", http.StatusBadRequest)
		return
	}
	answer, err := carryOut(r.Context(), c.Access, req)
	if err != nil {
		http.Error(w, errs.Message(err), http.StatusBadRequest)
		return
	}
	if req.Do != "list" {
		c.Log.Info("tokens were changed by command", "do", req.Do, "token", answer.Tokens[0].ID, "name", answer.Tokens[0].Name)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		c.Log.Debug("an answer to a command was not taken", "err", err)
	}
}

func tokensOfRunning(ctx context.Context, c *config.Config, command TokenRequest) (a tokenAnswer, err error) {
	body, err := json.Marshal(command)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sheetlift"+tokensPath, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	res, err := askRunning(c, req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	return a, json.NewDecoder(res.Body).Decode(&a)
}

func tokensStored(ctx context.Context, s *store.Store, req TokenRequest, log *slog.Logger) (a tokenAnswer, err error) {
	g := access.NewRegistry(s.Access(), log)
	if err := g.Recall(ctx); err != nil {
		return a, err
	}
	return carryOut(ctx, g, req)
}
