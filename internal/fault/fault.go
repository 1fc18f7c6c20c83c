// Package fault names the points at which a crash is most likely to do harm. A program built with the tag
// crashpoints (make chaos) kills itself at the configured point; in every other build At is empty and costs
// nothing.
package fault

// Point names a crash point.
type Point string

// The points, in the order in which an image reaches them.
const (
	UploadBegun     Point = "upload begun"     // its number is chosen, nothing is stored
	UploadPrepared  Point = "upload prepared"  // the picture is in memory
	PictureHalf     Point = "picture half"     // one of its two forms is stored
	PictureStored   Point = "picture stored"   // no image refers to it yet
	ImageCreated    Point = "image created"    // not acknowledged yet
	ImageKept       Point = "image kept"       // it may be acknowledged
	ImageRenamed    Point = "image renamed"    // one of several
	StartClosed     Point = "start closed"     // no more uploads, no order yet
	StartFrozen     Point = "start frozen"     // the order is stored, no work is queued
	WorkAdded       Point = "work added"       // one of several units is queued
	StartQueued     Point = "start queued"     // all work is queued
	ImageTaken      Point = "image taken"      // it is shown as processing
	TryBegun        Point = "try begun"        // the attempt is stored, nothing is paid for
	TryRead         Point = "try read"         // the reading is paid for, nothing is stored
	ReadingKept     Point = "reading kept"     // stored for other batches, the image is not written
	TryKept         Point = "try kept"         // the outcome is stored, its unit is still queued
	LeaseUsed       Point = "turn lent"        // an image was read under the lease of another, which comes next
	UnitDone        Point = "unit done"        // the unit is removed
	UnitBack        Point = "unit back"        // the unit was put back
	DueQueued       Point = "due queued"       // an image whose start time has come is queued
	RetryMeant      Point = "retry meant"      // the intent is stored
	ImageReopened   Point = "image reopened"   // carried out for one image, which has no work yet
	RetryQueued     Point = "retry queued"     // all are queued, the intent is still stored
	CancelMeant     Point = "cancel meant"     // the intent is stored
	ImageCanceled   Point = "image canceled"   // one is, others are not
	CancelDone      Point = "cancel done"      // the batch has ended, its queue still exists
	BatchHidden     Point = "batch hidden"     // marked for deletion, and all of it is stored
	PicturesDropped Point = "pictures dropped" // its images are still stored
	BatchCounted    Point = "batch counted"    // all images are final, the batch is not
	BatchEnded      Point = "batch ended"      // its queue still exists
	QueueDropped    Point = "queue dropped"    // nothing is left to do
)

// Points lists all points.
var Points = []Point{
	UploadBegun, UploadPrepared, PictureHalf, PictureStored, ImageCreated, ImageKept, ImageRenamed, StartClosed,
	StartFrozen, WorkAdded, StartQueued, ImageTaken, TryBegun, TryRead, ReadingKept, TryKept, LeaseUsed, UnitDone, UnitBack,
	DueQueued,
	RetryMeant, ImageReopened, RetryQueued, CancelMeant, ImageCanceled,
	CancelDone, BatchHidden, PicturesDropped, BatchCounted, BatchEnded, QueueDropped,
}

// Poison is the name of the environment variable that holds a text. In a program built with the tag crashpoints,
// opening bytes that contain the text kills the process; see Opened.
const Poison = "SHEETLIFT_POISON"
