package api

import (
	"time"

	"sheetlift/internal/batch"
)

// batchList is the response of GET /api/v1/batches.
type batchList struct {
	Batches []batchInfo `json:"batches"`
	Next    string      `json:"next,omitempty" jsonschema:"the cursor of the next ones; left out if there are none"`
}

// imageList is the response of GET /api/v1/batches/{id}/images.
type imageList struct {
	Images []imageInfo `json:"images"`
	Next   string      `json:"next,omitempty" jsonschema:"the cursor of the next ones; left out if there are none"`
}

// rowList is the response of GET /api/v1/batches/{id}/rows.
type rowList struct {
	Rows []rowInfo `json:"rows"`
	Next string    `json:"next,omitempty" jsonschema:"the cursor of the next ones; left out if there are none"`
}

// retried is the response of a retry.
type retried struct {
	Retried int `json:"retried" jsonschema:"how many images are read again"`
}

// dayList is the response of GET /api/v1/figures.
type dayList struct {
	Days []batch.Day `json:"days"`
}

// startWishes is the request body of a start.
type startWishes struct {
	At       *time.Time      `json:"start_at" jsonschema:"when to start; without it, now"`
	Priority *batch.Priority `json:"priority"`
	AtOnce   *int            `json:"at_once"`
}

// imageChanges is the request body of a change to an image.
type imageChanges struct {
	Name     *string         `json:"name" jsonschema:"blank is the name of its file"`
	Priority *batch.Priority `json:"priority" jsonschema:"against the others of its batch, while it waits"`
}

// Problem is the response to a request that was not carried out.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status" jsonschema:"of HTTP"`
	Detail   string `json:"detail" jsonschema:"a sentence for people, in the caller's language"`
	Code     Code   `json:"code"`
	Location string `json:"location,omitempty" jsonschema:"the one part of the request that is at fault, such as body.at_once, query.image or path.upload"`
	Instance string `json:"instance" jsonschema:"the request's id in the server's log"`
}

// FirstProblem is Problem in the form of the first version.
type FirstProblem struct {
	Success bool   `json:"success"`
	Detail  string `json:"detail"`
}

// Uploaded is the response to an upload: the images made from it, and the parts that were rejected.
type Uploaded struct {
	ID      string          `json:"id" jsonschema:"chosen by the client"`
	Images  []UploadedImage `json:"images"`
	Refused []string        `json:"refused" jsonschema:"a sentence for each part that is no picture"`
}

// UploadedImage is an image made from an upload.
type UploadedImage struct {
	N        int    `json:"n" jsonschema:"its number in the batch"`
	Page     int    `json:"page,omitempty" jsonschema:"page of the document it was extracted from"`
	Name     string `json:"name"`
	Filename string `json:"filename"`
	Width    int    `json:"width" jsonschema:"in pixels, as prepared"`
	Height   int    `json:"height" jsonschema:"in pixels, as prepared"`
	Notes    []Note `json:"notes"`
}

// Note is something about a picture that a person should know.
type Note struct {
	Kind    string `json:"kind" jsonschema:"such as small or blurred"`
	Message string `json:"message" jsonschema:"a sentence for people, in the caller's language"`
}

// accepted is the response of the first version to pictures.
type accepted struct {
	Success  bool       `json:"success"`
	JobID    batch.ID   `json:"job_id"`
	Total    int        `json:"total_images"`
	Status   string     `json:"status"`
	Rejected []rejected `json:"rejected,omitempty"`
}

// The lines of GET …/rows.json and rows.ndjson, which internal/export writes as a stream.
type (
	rowsFile struct {
		Batch   rowsBatch  `json:"batch"`
		Columns []string   `json:"columns" jsonschema:"in their order"`
		Rows    []rowsLine `json:"rows"`
	}
	rowsBatch struct {
		ID       batch.ID     `json:"id"`
		Name     string       `json:"name"`
		Status   batch.Status `json:"status"`
		Complete bool         `json:"complete" jsonschema:"the batch has ended; until then rows may be added"`
		Images   int          `json:"images"`
		Read     int          `json:"images_read"`
	}
	rowsLine struct {
		Image   int               `json:"image"`
		Name    string            `json:"name" jsonschema:"of the image"`
		Row     int               `json:"row" jsonschema:"in the image, from 1"`
		Checked bool              `json:"checked" jsonschema:"a person confirmed the image"`
		Cells   map[string]string `json:"cells" jsonschema:"by column, as on the sheet"`
		Values  map[string]string `json:"values" jsonschema:"numbers and dates by column as programs write them, without those in doubt"`
		Doubts  []rowsDoubt       `json:"doubts"`
	}
	rowsDoubt struct {
		Column  string `json:"column" jsonschema:"empty: about the row"`
		Kind    string `json:"kind"`
		Message string `json:"message" jsonschema:"a sentence for people"`
	}
)

// eventLine is one line of the data of an event: one of its fields is there.
type eventLine struct {
	Batch *batchInfo `json:"batch,omitempty"`
	Image *imageInfo `json:"image,omitempty"`
	Gone  bool       `json:"gone,omitempty" jsonschema:"the batch was deleted"`
}
