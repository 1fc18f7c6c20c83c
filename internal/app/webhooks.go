package app

import (
	"encoding/json"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/web"
	"sheetlift/internal/webhook"
)

// batchEnded is the body of the request that tells of the end of a batch.
type batchEnded struct {
	Event string     `json:"event"` // batch.ended
	Batch endedBatch `json:"batch"`
}

type endedBatch struct {
	ID        batch.ID     `json:"id"`
	Name      string       `json:"name"`
	Status    batch.Status `json:"status"` // completed, failed or canceled
	Images    int          `json:"images"`
	Completed int          `json:"completed"`
	Failed    int          `json:"failed"`
	Rows      int          `json:"rows"`
	Doubts    int          `json:"doubts"`
	Started   time.Time    `json:"started_at"`
	Ended     time.Time    `json:"ended_at"`
}

// webhooks returns what tells the endpoints of the settings of batches that ended; nil without endpoints.
func (a *App) webhooks() *webhook.Sender {
	if len(a.cfg.Webhooks) == 0 {
		return nil
	}
	return webhook.New(webhook.Options{
		Endpoints: a.cfg.Webhooks, Networks: a.cfg.WebhookNetworks, Secret: a.cfg.WebhookSecret, Memory: a.store.Hooks(), Events: a.ended, Log: a.log,
		Gone: func(event string) bool { return a.progress.Stored(batch.ID(event)) == nil },
	})
}

// hookLog returns the log of deliveries for its page; nil without endpoints.
func (a *App) hookLog() web.Webhooks {
	if a.hooks == nil {
		return nil // not a nil *webhook.Sender in an interface
	}
	return a.hooks
}

// ended returns the end of each batch that ended in the last day.
func (a *App) ended() []webhook.Event {
	var all []webhook.Event
	for _, o := range a.progress.Overviews() {
		b := o.Batch
		if !b.Status.Final() || b.Ended.IsZero() || time.Since(b.Ended) > webhook.Patience {
			continue
		}
		body, _ := json.Marshal(batchEnded{"batch.ended", endedBatch{ // texts, numbers and times
			b.ID, b.Name, b.Status, max(o.Images, b.Total()), o.Counts.Completed, o.Counts.Failed, o.Counts.Rows, o.Counts.Issues, b.Started, b.Ended,
		}})
		all = append(all, webhook.Event{ID: string(b.ID), At: b.Ended, Name: b.Name, Body: body})
	}
	return all
}
