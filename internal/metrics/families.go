package metrics

import "github.com/prometheus/client_golang/prometheus"

// name is the name of a figure.
type name string

// The figures.
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
	buildInfo   name = "sheetlift_build_info"
)

// family is what is said of a figure besides its values.
type family struct {
	kind   prometheus.ValueType // of those that are one number
	labels []string
	help   string
}

const (
	gauge     = prometheus.GaugeValue
	counter   = prometheus.CounterValue
	histogram = prometheus.UntypedValue // has a type of its own
)

var (
	byKey      = []string{"key"}
	byKeyModel = []string{"key", "model"}
	byModel    = []string{"model"}
	byStatus   = []string{"status"}
)

var families = map[name]family{
	keyState:      {gauge, byKeyModel, "Where the key stands: 0 active, 1 cooling, 2 parked, 3 quarantined, 4 disabled."},
	keyRequests:   {counter, []string{"key", "model", "outcome"}, "Calls by what became of them. There is a series once there was such a call, and always one for ok."},
	keyInflight:   {gauge, byKey, "Calls that are running."},
	keyAtOnce:     {gauge, byKey, "Calls that the key may have at once."},
	keyMinute:     {gauge, byKeyModel, "Requests a minute that its project was found to have; 0 is not known."},
	keyMinuteUsed: {gauge, byKeyModel, "Used of the requests of a minute, 0 to 1; 0 where the limit is not known."},
	keyTokens:     {gauge, byKeyModel, "Tokens a minute that its project was found to have; 0 is not known."},
	keyTokensUsed: {gauge, byKeyModel, "Used of the tokens of a minute, 0 to 1; 0 where the limit is not known."},
	keyDay:        {gauge, byKeyModel, "Requests a day that its project was found to have; 0 is not known."},
	keyDayUsed:    {gauge, byKeyModel, "Requests since midnight in California."},
	keySuccess:    {gauge, byKey, "Good calls among those that were the key's own doing, old ones fading, 0 to 1. None before the first."},
	keyLatency:    {histogram, byKey, "Seconds that good calls took."},
	keyShare:      {gauge, byKey, "Share of the calls of the last five minutes, 0 to 1."},
	keyCooldown:   {gauge, byKeyModel, "Seconds that the key is still set aside; +Inf until a person does something."},
	keyNext:       {gauge, byKeyModel, "Seconds until the key may be used again, by its rest and its limits; +Inf not before a person does something."},
	tokens:        {counter, []string{"key", "kind"}, "Tokens as the service counted them, by kind: prompt or output."},

	poolQueue:     {gauge, nil, "Images that wait for a key."},
	poolWait:      {histogram, nil, "Seconds that images waited for a key, of those that got one."},
	poolEligible:  {gauge, nil, "Keys that may be used now, busy or not."},
	poolNext:      {gauge, byModel, "Seconds until a key may be used, by rests, limits and outages: 0 now, +Inf not before a person does something."},
	modelBreaker:  {gauge, byModel, "0 the service answers, 1 it is down and one call tries it, 2 it is down and the next try is waited for."},
	retryBudget:   {gauge, byModel, "Left of the calls that may be repeated because the service stumbled, 0 to 1."},
	retries:       {counter, []string{"reason"}, "Calls for an image that was called for before, by why that was not enough."},
	callsPerImage: {gauge, nil, "Calls that ended for each image read with them, since the start. None before the first."},

	images:      {counter, []string{"result", "engine"}, "Images that became final by this process. reused: with what was read before, at no cost."},
	inHand:      {gauge, nil, "Images that this process works on."},
	batches:     {gauge, byStatus, "Batches that are stored."},
	batchImages: {gauge, byStatus, "Images of the stored batches that were started."},
	queueDepth:  {gauge, nil, "Images in the work queue, waiting and in hand, of all processes."},
	uploads:     {counter, []string{"result"}, "Files that were sent. refused: it cannot be used; failed: it broke off or could not be stored."},
	uploading:   {gauge, nil, "Files that are being taken in."},
	uploadBytes: {counter, nil, "Bytes read of files that were sent."},
	arrived:     {counter, nil, "Images that came out of files that were sent."},
	storeUp:     {gauge, nil, "1 while the store answers."},
	diskFree:    {gauge, nil, "Free bytes of the disk with the data folder."},
	diskSize:    {gauge, nil, "Size of the disk with the data folder."},
	buildInfo:   {gauge, []string{"version"}, "1, with the version of the program."},
}
