package metrics

import "github.com/prometheus/client_golang/prometheus"

// name is the name of a metric.
type name string

// The metrics.
const (
	keyState      name = "sheetlift_key_state"
	keyRequests   name = "sheetlift_key_requests_total"
	keyInflight   name = "sheetlift_key_inflight"
	keyAtOnce     name = "sheetlift_key_conc_limit"
	keyMinute     name = "sheetlift_key_rpm_limit"
	keyMinuteUsed name = "sheetlift_key_rpm_used_ratio"
	keyTokens     name = "sheetlift_key_tpm_limit"
	keyTokensUsed name = "sheetlift_key_tpm_used_ratio"
	keyDay        name = "sheetlift_key_rpd_limit"
	keyDayUsed    name = "sheetlift_key_rpd_used"
	keySuccess    name = "sheetlift_key_success_ewma"
	keyLatency    name = "sheetlift_key_latency_seconds"
	keyShare      name = "sheetlift_key_share_ratio"
	keyCooldown   name = "sheetlift_key_cooldown_seconds"
	keyNext       name = "sheetlift_key_next_available_seconds"
	tokens        name = "sheetlift_tokens_total"

	poolQueue     name = "sheetlift_pool_queue_depth"
	poolWait      name = "sheetlift_pool_wait_seconds"
	poolEligible  name = "sheetlift_pool_eligible_keys"
	poolNext      name = "sheetlift_pool_next_seconds"
	modelBreaker  name = "sheetlift_model_breaker_state"
	retryBudget   name = "sheetlift_retry_budget_ratio"
	retries       name = "sheetlift_retries_total"
	doubles       name = "sheetlift_doubles_total"
	callsPerImage name = "sheetlift_calls_per_image"

	images      name = "sheetlift_images_total"
	inHand      name = "sheetlift_images_in_hand"
	batches     name = "sheetlift_batches"
	batchImages name = "sheetlift_batch_images"
	queueDepth  name = "sheetlift_work_queue_depth"
	uploads     name = "sheetlift_uploads_total"
	uploading   name = "sheetlift_uploads_running"
	uploadBytes name = "sheetlift_upload_bytes_total"
	arrived     name = "sheetlift_upload_images_total"
	storeUp     name = "sheetlift_store_up"
	diskFree    name = "sheetlift_disk_free_bytes"
	diskSize    name = "sheetlift_disk_size_bytes"
	streams     name = "sheetlift_event_streams"
	backupAge   name = "sheetlift_backup_age_seconds"
	buildInfo   name = "sheetlift_build_info"
)

// family describes a metric.
type family struct {
	kind   prometheus.ValueType // for single numbers
	labels []string
	help   string
}

const (
	gauge     = prometheus.GaugeValue
	counter   = prometheus.CounterValue
	histogram = prometheus.UntypedValue // a histogram has a type of its own
)

var (
	byKey      = []string{"key"}
	byKeyModel = []string{"key", "model"}
	byModel    = []string{"model"}
	byStatus   = []string{"status"}
)

var families = map[name]family{
	keyState:      {gauge, byKeyModel, "State of the key: 0 active, 1 cooling, 2 parked, 3 quarantined, 4 disabled."},
	keyRequests:   {counter, []string{"key", "model", "outcome"}, "Calls by outcome. A series appears with its first call; the one for ok always exists."},
	keyInflight:   {gauge, byKey, "Running calls."},
	keyAtOnce:     {gauge, byKey, "Concurrent calls allowed."},
	keyMinute:     {gauge, byKeyModel, "Requests per minute of its project, as found out; 0: unknown."},
	keyMinuteUsed: {gauge, byKeyModel, "Share of the requests of a minute in use, 0 to 1; 0 while the limit is unknown."},
	keyTokens:     {gauge, byKeyModel, "Tokens per minute of its project, as found out; 0: unknown."},
	keyTokensUsed: {gauge, byKeyModel, "Share of the tokens of a minute in use, 0 to 1; 0 while the limit is unknown."},
	keyDay:        {gauge, byKeyModel, "Requests per day of its project, as found out; 0: unknown."},
	keyDayUsed:    {gauge, byKeyModel, "Requests since midnight in California."},
	keySuccess:    {gauge, byKey, "Share of good calls among those due to the key, 0 to 1, old ones decaying. Absent before the first."},
	keyLatency:    {histogram, byKey, "Duration of good calls in seconds."},
	keyShare:      {gauge, byKey, "Share of the calls of the last five minutes, 0 to 1."},
	keyCooldown:   {gauge, byKeyModel, "Remaining cooldown in seconds; +Inf until a person acts."},
	keyNext:       {gauge, byKeyModel, "Seconds until the key may be used, by cooldown and limits; +Inf until a person acts."},
	tokens:        {counter, []string{"key", "kind"}, "Tokens as the service counted them, by kind: prompt or output."},

	poolQueue:     {gauge, nil, "Images waiting for a key."},
	poolWait:      {histogram, nil, "Wait for a key in seconds, of images that got one."},
	poolEligible:  {gauge, nil, "Keys usable now, busy or not."},
	poolNext:      {gauge, byModel, "Seconds until a key is usable, by cooldowns, limits and outages; 0: now, +Inf: until a person acts."},
	modelBreaker:  {gauge, byModel, "Breaker: 0 closed, 1 open with a probe running, 2 open and waiting for the next probe."},
	retryBudget:   {gauge, byModel, "Remaining budget of retries after transient failures, 0 to 1."},
	retries:       {counter, []string{"reason"}, "Repeated calls for an image, by the reason of the retry."},
	doubles:       {counter, []string{"result"}, "Second calls for an image while its first one ran late. won: its answer came first; lost: it was canceled, or it failed."},
	callsPerImage: {gauge, nil, "Finished calls per image read with them, since the start. Absent before the first."},

	images:      {counter, []string{"result", "engine"}, "Images finished by this process. reused: answered from an earlier reading, at no cost. typed: not read, typed by a person."},
	inHand:      {gauge, nil, "Images being processed by this process."},
	batches:     {gauge, byStatus, "Stored batches."},
	batchImages: {gauge, byStatus, "Images of stored batches that were started."},
	queueDepth:  {gauge, nil, "Images in the work queue, waiting and processing, of all processes."},
	uploads:     {counter, []string{"result"}, "Uploaded files. refused: unusable; failed: interrupted or not stored."},
	uploading:   {gauge, nil, "Uploads in progress."},
	uploadBytes: {counter, nil, "Bytes read from uploads."},
	arrived:     {counter, nil, "Images found in uploaded files."},
	storeUp:     {gauge, nil, "1 while the store answers."},
	diskFree:    {gauge, nil, "Free bytes of the disk with the data folder."},
	diskSize:    {gauge, nil, "Size of the disk with the data folder."},
	streams:     {gauge, nil, "Event streams that are open, of pages and programs."},
	backupAge:   {gauge, nil, "Age of the newest daily backup. Absent without one, in memory and on a cluster."},
	buildInfo:   {gauge, []string{"version"}, "1, with the version of the program."},
}
