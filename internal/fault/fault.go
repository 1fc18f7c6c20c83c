// Package fault names the moments at which a crash is most likely to do harm. In a program built with the tag
// crashpoints (make chaos) the process kills itself at the one it is told; in every other build At is empty and costs
// nothing.
package fault

// Point is such a moment.
type Point string

// The points, in the order in which an image meets them.
const (
	UploadBegun     Point = "upload begun"     // its place is found, nothing is stored
	UploadPrepared  Point = "upload prepared"  // the picture is in memory
	PictureHalf     Point = "picture half"     // one of its two forms is stored
	PictureStored   Point = "picture stored"   // and no image has it
	ImageCreated    Point = "image created"    // and is not acknowledged
	ImageKept       Point = "image kept"       // it may be acknowledged
	ImageRenamed    Point = "image renamed"    // of several that are named
	StartClosed     Point = "start closed"     // no more uploads, no order yet
	StartFrozen     Point = "start frozen"     // the order stands, no work is queued
	WorkAdded       Point = "work added"       // one unit of several is on its way
	StartQueued     Point = "start queued"     // all work is
	ImageTaken      Point = "image taken"      // it shows as being in hand
	TryBegun        Point = "try begun"        // it is written down, nothing is paid for
	TryRead         Point = "try read"         // it is paid for, nothing is written down
	ReadingKept     Point = "reading kept"     // it answers for other batches, its image is not written
	TryKept         Point = "try kept"         // the outcome is stored, its unit is still there
	TurnLent        Point = "turn lent"        // an image was read in the turn of another, which comes now
	UnitDone        Point = "unit done"        // the unit is gone
	UnitBack        Point = "unit back"        // the unit was given back
	DueQueued       Point = "due queued"       // an image whose time has come is queued
	RetryMeant      Point = "retry meant"      // the intent is written down
	ImageReopened   Point = "image reopened"   // and carried out for one image, which has no work yet
	RetryQueued     Point = "retry queued"     // all are queued, the intent still stands
	CancelMeant     Point = "cancel meant"     // the same for a cancel
	ImageCanceled   Point = "image canceled"   // one is, others are not
	CancelDone      Point = "cancel done"      // the batch has ended, its queue is still there
	BatchHidden     Point = "batch hidden"     // it is to be erased, and all of it is there
	PicturesDropped Point = "pictures dropped" // its images are still there
	BatchCounted    Point = "batch counted"    // all images are final, the batch is not
	BatchEnded      Point = "batch ended"      // its queue is still there
	QueueDropped    Point = "queue dropped"    // nothing more is to be done
)

// Points is all of them.
var Points = []Point{
	UploadBegun, UploadPrepared, PictureHalf, PictureStored, ImageCreated, ImageKept, ImageRenamed, StartClosed,
	StartFrozen, WorkAdded, StartQueued, ImageTaken, TryBegun, TryRead, ReadingKept, TryKept, TurnLent, UnitDone, UnitBack,
	DueQueued,
	RetryMeant, ImageReopened, RetryQueued, CancelMeant, ImageCanceled,
	CancelDone, BatchHidden, PicturesDropped, BatchCounted, BatchEnded, QueueDropped,
}
