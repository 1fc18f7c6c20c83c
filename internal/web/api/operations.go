package api

import (
	"net/http"
	"reflect"

	"sheetlift/internal/export"
)

// Operation is one address of the API with its method, as the OpenAPI document describes it.
type Operation struct {
	Method, Path string // as the router has them, such as /api/v1/batches/:id
	ID           string // unique, for generated clients
	Summary      string // a sentence
	Query        []Parameter
	Deprecated   bool // of the first version

	body     reflect.Type // nil: none
	takes    string       // media type of the body; "" is JSON
	status   int          // of success
	answer   reflect.Type // nil: no content, or a file
	produces string       // media type of the answer; "" is JSON
	repeats  bool         // it takes an Idempotency-Key
	tagged   bool         // its answer has an ETag; a GET takes If-None-Match, a PATCH If-Match
}

// Parameter is a word in the query.
type Parameter struct {
	Name    string
	Kind    string // string, integer or boolean
	Meaning string
	Values  []any // the values it may have; nil for any
}

const (
	textCSV    = "text/csv"
	ndjson     = "application/x-ndjson"
	markdown   = "text/markdown"
	stream     = "text/event-stream"
	workbook   = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	octets     = "application/octet-stream"
	multiparts = "multipart/form-data"
)

func of[T any]() reflect.Type { return reflect.TypeFor[T]() }

var (
	imageQuery = []Parameter{
		{"image", "integer", "the number of the only image", nil},
		{"checked", "boolean", "only images that a person confirmed", nil},
	}
	csvQuery = append(imageQuery[:len(imageQuery):len(imageQuery)],
		Parameter{"separator", "string", "of the fields; without it that of Accept-Language", []any{"comma", "semicolon", "tab"}})
	pageQuery = []Parameter{
		{"limit", "integer", "how many at most, 1 to 1000; without it all", nil},
		{"cursor", "string", "next of the answer before; without it from the start", nil},
	}
	waitQuery = []Parameter{
		{"wait", "string", "how long to wait for a change, 0s to 60s; without it the answer comes at once", nil},
		{"until", "string", "what to wait for: a change (the default), or the end of the batch", []any{"change", "end"}},
	}
	appendQuery = []Parameter{
		{"sheet", "string", "of the workbook; without it the one whose headings fit best", nil},
		{"partial", "boolean", "leave out columns of the batch that the sheet does not have", nil},
		{"checked", "boolean", "only images that a person confirmed", nil},
	}
	uploadQuery = []Parameter{
		{"filename", "string", "of the file, for display", nil},
		{"name", "string", "of the image; without it that of the file", nil},
		{"position", "integer", "in the batch, from 1; without it the end", nil},
		{"folder", "string", "of the file, for display", nil},
		{"dated", "string", "time of the file, RFC 3339", nil},
	}
)

// Operations returns every address of the API, in the order of docs/api.md; a test holds it to the router.
func Operations() []Operation {
	const b, one = "/api/v1/batches", "/api/v1/batches/:id"
	get, post, patch := http.MethodGet, http.MethodPost, http.MethodPatch
	info := of[batchInfo]()
	whole := of[wholeImage]()
	all := []Operation{
		{Method: post, Path: b, ID: "createBatch", Summary: "Make a draft.", body: of[wishes](), status: 201, answer: info, repeats: true},
		{Method: get, Path: b, ID: "listBatches", Summary: "List all batches, the newest first.", Query: pageQuery, answer: of[batchList]()},
		{Method: get, Path: one, ID: "getBatch", Summary: "Get a batch: status, counts, pace, time left; at once, or when it changes.", Query: waitQuery, answer: info, tagged: true},
		{Method: patch, Path: one, ID: "changeBatch", Summary: "Change a batch, at any time: all fields that are sent, or nothing if one is wrong.", body: of[changes](), answer: info, tagged: true},
		{Method: http.MethodDelete, Path: one, ID: "deleteBatch", Summary: "Delete a batch; it is erased after a minute.", status: 204},
		{Method: post, Path: one + "/undelete", ID: "undeleteBatch", Summary: "Bring a deleted batch back, within that minute.", answer: info},
		{Method: http.MethodPut, Path: one + "/images/:upload", ID: "addImages", Summary: "Add a file to a draft, under an id of your own.", Query: uploadQuery, takes: octets, status: 201, answer: of[Uploaded]()},
		{Method: post, Path: one + "/start", ID: "startBatch", Summary: "Start a batch, now or at a time.", body: of[startWishes](), answer: info},
		{Method: post, Path: one + "/unschedule", ID: "unscheduleBatch", Summary: "Make a batch that waits for its time a draft again.", answer: info},
		{Method: post, Path: one + "/pause", ID: "pauseBatch", Summary: "Begin nothing more; what is being read is read to its end.", answer: info},
		{Method: post, Path: one + "/resume", ID: "resumeBatch", Summary: "Go on with a paused batch.", answer: info},
		{Method: post, Path: one + "/cancel", ID: "cancelBatch", Summary: "Cut off running calls; what was read stays.", answer: info},
		{Method: post, Path: one + "/retry", ID: "retryBatch", Summary: "Read again all images that failed, or those named.", body: of[again](), answer: of[retried]()},
		{Method: get, Path: one + "/images", ID: "listImages", Summary: "List the images in their order.", Query: pageQuery, answer: of[imageList](), tagged: true},
		{Method: get, Path: one + "/images/:n", ID: "getImage", Summary: "Get an image with its attempts, rows, doubts and text.", answer: whole, tagged: true},
		{Method: patch, Path: one + "/images/:n", ID: "changeImage", Summary: "Change the name or the priority of an image.", body: of[imageChanges](), answer: whole, tagged: true},
		{Method: post, Path: one + "/images/:n/cancel", ID: "cancelImage", Summary: "Cancel one image.", answer: whole},
		{Method: post, Path: one + "/images/:n/retry", ID: "retryImage", Summary: "Read one image again.", body: of[again](), answer: whole},
		{Method: get, Path: one + "/rows", ID: "getRows", Summary: "Get every row read so far.", Query: pageQuery, answer: of[rowList](), tagged: true},
		{Method: get, Path: one + "/rows.csv", ID: "getRowsCSV", Summary: "Get the rows as a file for spreadsheets.", Query: csvQuery, produces: textCSV},
		{Method: get, Path: one + "/rows.json", ID: "getRowsJSON", Summary: "Get the rows with the columns in order, as a stream.", Query: imageQuery, answer: of[rowsFile]()},
		{Method: get, Path: one + "/rows.ndjson", ID: "getRowsNDJSON", Summary: "Get the rows, one a line.", Query: imageQuery, answer: of[rowsLine](), produces: ndjson},
		{Method: get, Path: one + "/rows.md", ID: "getRowsMarkdown", Summary: "Get the rows as a Markdown table.", Query: imageQuery, produces: markdown},
		{Method: get, Path: one + "/events", ID: "followBatch", Summary: "Follow a batch and its images as they change.", answer: of[eventLine](), produces: stream},
		{Method: get, Path: one + "/workbook.xlsx", ID: "getWorkbook", Summary: "Get the workbook of what is there so far.", produces: workbook},
		{Method: post, Path: one + "/append", ID: "matchWorkbook", Summary: "Get how the rows fit under those of a workbook, before anything is written.", Query: appendQuery, takes: octets, answer: of[export.Match]()},
		{Method: post, Path: one + "/append.xlsx", ID: "appendRows", Summary: "Get a workbook that you send, with the rows under its own.", Query: appendQuery, takes: octets, produces: workbook},
		{Method: get, Path: "/api/v1/figures", ID: "getFigures", Summary: "Get what was read and spent on each day.", answer: of[dayList]()},
		{Method: get, Path: "/api/v1/keys", ID: "listKeys", Summary: "Get the keys by label, with their state.", answer: of[keyList]()},
		{Method: get, Path: DocumentPath, ID: "getDocument", Summary: "Get this document.", answer: of[map[string]any]()},

		{Method: post, Path: "/batch-process-images", ID: "firstProcess", Summary: "Read pictures, as in the first version.", Query: firstQuery(), takes: multiparts, answer: of[accepted](), Deprecated: true},
		{Method: get, Path: "/batch-status/:id", ID: "firstStatus", Summary: "Get the status, as in the first version.", answer: of[status](), Deprecated: true},
		{Method: get, Path: "/batch-results/:id", ID: "firstResults", Summary: "Get the results, as in the first version.", answer: of[results](), Deprecated: true},
	}
	for i := range all {
		if all[i].status == 0 {
			all[i].status = http.StatusOK
		}
	}
	return all
}

// firstQuery are the words that the first version takes in the query, too.
func firstQuery() []Parameter {
	var all []Parameter
	for _, word := range words {
		all = append(all, Parameter{word, "string", "also as a field of the form, or as a header", nil})
	}
	return append(all, Parameter{"names", "string", "of the images, in their order", nil})
}
