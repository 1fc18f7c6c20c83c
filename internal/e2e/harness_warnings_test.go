package e2e_test

// warning is a line that a server may log, by the beginning of its message.
type warning struct {
	begins  string
	has     string // further text that the line contains; "" for none
	isError bool   // it is logged as an error
	foreign bool   // its words stand outside the code of this project, or are put together
}

// slowness are the warnings that a slow machine causes without a fault: a call of the store has a limit of time, and one that
// ran into it is made again or makes up for itself. A fault behind them still fails the test, which waits for the outcome.
var slowness = []warning{
	{begins: "a reading is not remembered; the same picture will be read again"},                           // at the cost of a call
	{begins: "earlier readings cannot be looked up; the picture is read"},                                  // at the cost of a call
	{begins: "a batch could not be paused or continued; trying again"},                                     // the next look does it
	{begins: "a finished unit could not be removed; it is dropped when it comes back"},                     // stopWrite
	{begins: "a started batch could not be checked"},                                                       // the next sweep does it
	{begins: "a stopped try could not be written down"},                                                    // stopWrite; the image is read again
	{begins: "a unit could not be extended"},                                                               // the next heartbeat does it
	{begins: "a waiting image could not be queued; trying again"},                                          // after backoff
	{begins: "fetching work failed; trying again"},                                                         // after backoff
	{begins: "store: returning a unit to the queue failed"},                                                // it comes back by itself
	{begins: "store: extending a unit failed"},                                                             // the next tick does it
	{begins: "store: embedded server unhealthy", has: "failed to be ready for connections", isError: true}, // it had a millisecond to say so
	{begins: "store: old rows stay"},                                                                       // the next save or the end removes them
	{begins: "store: waiting for work"},                                                                    // it goes on waiting
	{begins: "the queue of a batch that is over could not be removed"},                                     // the next start does it
	{begins: "the same picture could not be queued; the next sweep does it"},                               // as it says
	{begins: "reading the queue depth from the store failed"},                                              // queueLimit
	{begins: "what a try found could not be stored yet"},                                                   // it goes on trying
	{begins: "due work of a batch failed; retrying"},                                                       // after a while
	{begins: "saving key state failed; retrying"},                                                          // after a while
}

// absence are the warnings of a machine on which Tesseract is not installed.
var absence = []warning{
	{begins: "the offline engine is not available"},
	{begins: "orientation check unavailable"},
}

// Warnings that tests cause on purpose, each named after the fault.
var (
	keyRefused        = warning{begins: "key refused and quarantined"}
	keyMisset         = warning{begins: "key refused because of a setting; quarantined"}
	allKeysRefused    = warning{begins: "all keys refused at once; probing with one call at a time"}
	keysOfOneProject  = warning{begins: "keys share one quota; joined as one project"}
	outage            = warning{begins: "service down; probing with one call at a time"}
	impostor          = warning{begins: "another server answers instead of the service; probing with one call at a time"}
	badKeysFile       = warning{begins: "the keys were not read anew; those in use stay", isError: true}
	keyNotKept        = warning{begins: "an added key could not be written to the keys file: it is forgotten at the next restart"}
	brokenCertificate = warning{begins: "the new certificate cannot be used; the old one stays", isError: true}
	killed            = warning{begins: "nats: ", foreign: true} // the store repairs writes that the kill cut off
	lostNode          = warning{begins: "store: a node of the cluster was lost; looking for another"}
	lostConnection    = warning{begins: "store: connection"}
	staleNode         = warning{begins: "store: watch is behind; opening it on another node"}
	poison            = warning{begins: "the program died while it opened a picture, which is read last and alone now"}
	crashOrder        = warning{begins: "The variable SHEETLIFT_", has: "is not a setting and is ignored", foreign: true} // it tells a build for tests where to crash
	unhealthy         = warning{begins: "not healthy", isError: true}
)

// fullDisk lists the warnings of the program and of its store when a disk is really full.
var fullDisk = []warning{
	unhealthy,
	{begins: "a request failed", has: "status=507", isError: true},
	{begins: "the room on the disk decides whether a batch is read"},
	{begins: "a batch is paused: the disk is full"},
	{begins: "a batch goes on: there is room on the disk again"},
	{begins: "nats: ", has: "no space left on device", isError: true, foreign: true},
	{begins: "nats: ", has: "no space left on device", foreign: true},
	{begins: "store: embedded server unhealthy", has: "no space left on device", isError: true},
	{begins: "store: connection"}, // of the store inside, while it is restarted
}

var onPurpose = append([]warning{
	keyRefused, keyMisset, allKeysRefused, keysOfOneProject, outage, impostor, badKeysFile, keyNotKept, brokenCertificate,
	killed, lostNode, lostConnection, staleNode, poison, crashOrder, unhealthy,
}, fullDisk...)
