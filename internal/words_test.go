package internal_test

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oldWords maps the words that this project used for itself to the word that the field uses. They are no identifiers any
// more: "word" anywhere, "folder.word" at the top of that package, "folder.Type.word" as a field or method of that type.
var oldWords = map[string]string{
	"grasp": "acquire", "letGo": "preempt", "lineUp": "track", "disperse": "untrack", "giveBack": "nack",
	"errHeld": "errPaused", "errOver": "errCanceled", "uneven": "nonNormal", "holdOne": "updatePause",
	"lookAtKeys": "checkKeysEvery", "behindAll": "suspectLevel", "unserved": "nackFailed", "takeOver": "completeFromCache",

	"MayTake": "CanClaim", "Lane": "Consumer", "lane": "consumer", "Reopening": "RetryIntent", "Refill": "Requeue", "GoOn": "Resume",
	"Conclude": "Finish", "Duty": "Deadline", "Twins": "DuplicateOf", "Twin": "DuplicateOf", "twin": "duplicate", "Earlier": "CachedFrom",
	"Reused": "FromCache", "Remember": "Put", "Board": "Progress", "board": "progress", "Sampler": "Previewer", "Samples": "Previews",
	"Clash": "EditConflict", "clash": "conflict", "Copies": "ImageCache", "Compass": "OrientationDetector",
	"ReadTaken": "RereadCached", "LeaveOut": "Exclude",

	"steered": "respond", "understand": "classify", "patient": "rollingDeadline", "packed": "gzip", "asGet": "headAsGet", "stir": "wake",
	"Retell": "LocalizeText", "tongue": "language", "tongues": "languages", "mother": "fallback", "Trial": "Preview", "hopeless": "exhausted",
	"stumble": "transient", "acked": "ackWriter",

	"internal/worker.errCut": "errPreempted", "internal/worker.hand": "inflight", "internal/worker.Runner.hands": "inflight", "internal/worker.try": "attempt", "internal/worker.line": "priorityIndex",
	"internal/worker.judge": "retryPolicy", "internal/worker.beat": "heartbeat", "internal/worker.pace": "throttle", "internal/worker.Runner.becomes": "setPhase",
	"internal/worker.Runner.steer": "scheduleLoop", "internal/worker.Runner.conclude": "finishLoop", "internal/worker.Runner.hold": "pauseLoop",
	"internal/worker.Runner.adjust": "reconcile", "internal/worker.Runner.see": "onChange", "internal/worker.Runner.serve": "handle",
	"internal/worker.Runner.one": "process", "internal/worker.Runner.take": "claim", "internal/worker.Runner.keep": "heartbeat",
	"internal/worker.Runner.learn": "upsert", "internal/worker.attempt.keep": "saveWithRetry", "internal/worker.attempt.begun": "started",

	"internal/batch.Turn": "Lease", "internal/batch.Image.Turn": "Lease", "internal/batch.Work": "Delivery", "internal/batch.Delivery.Extend": "KeepAlive",
	"internal/batch.Delivery.Done": "Ack", "internal/batch.Delivery.Back": "Nack", "internal/batch.Image.Work": "Generation",
	"internal/batch.Unit.Seq": "Generation", "internal/batch.Rest": "Cooldown", "internal/batch/run.Service.Hold": "PauseForCooldown",
	"internal/batch/run.Service.Follow": "EnqueueDuplicates", "internal/batch.With": "ReadAs", "internal/batch.Batch.With": "ReadAsOf",
	"internal/batch/retention.Service.Due": "NextDeadline", "internal/batch/retention.Service.Do": "RunDue", "internal/batch.Image.Out": "Excluded",
	"internal/batch.Image.Again": "Rereading", "internal/batch.Image.Whole": "UploadComplete", "internal/batch.Part.Alone": "Single",
	"internal/batch.Picture.Look": "PHash", "internal/batch.Image.Dated": "TakenAt", "internal/batch.Sample": "Preview", "internal/batch/edit.Ask": "Request",
	"internal/batch.Sum": "Fingerprint", "internal/batch/draft.Taken": "Ingested", "internal/batch.Readings": "ReadingCache",
	"internal/batch.Batches.hidden": "BatchOrDeleted", "internal/batch.Batches.shown": "List", "internal/batch/run.Service.begun": "requireStarted",

	"internal/keypool.Pool.settle": "record", "internal/keypool.Pool.lend": "issue", "internal/live.shot": "snapshotCall", "internal/live.Feed.Touch": "Invalidate",
	"internal/store.Store.seal": "checkpoint", "internal/store.Store.mend": "heal", "internal/store.Store.eyes": "epoch", "internal/store.Store.apart": "documents",
	"internal/upkeep.Left": "Orphan", "internal/upkeep.Stalled": "Stuck", "internal/upkeep.Broken": "Corrupt", "internal/work.Gate": "FairSemaphore",
	"internal/web.told": "localize", "internal/web.Server.steer": "action", "views.say": "T", "views.steer": "controls",
}

// declared returns the names that a file declares for its package: "folder.name", and "folder.Type.member" for fields and
// methods.
func declared(s source) map[string]token.Pos {
	names := map[string]token.Pos{}
	member := func(typ string, id *ast.Ident) {
		names[s.dir+"."+typ+"."+id.Name] = id.Pos()
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if typ := receiver(d); typ != "" {
				member(typ, d.Name)
			} else {
				names[s.dir+"."+d.Name.Name] = d.Name.Pos()
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names[s.dir+"."+spec.Name.Name] = spec.Name.Pos()
					for _, id := range members(spec.Type) {
						member(spec.Name.Name, id)
					}
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						names[s.dir+"."+id.Name] = id.Pos()
					}
				}
			}
		}
	}
	return names
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// members returns the names of the fields of a struct, or of the methods of an interface.
func members(typ ast.Expr) []*ast.Ident {
	var list *ast.FieldList
	switch typ := typ.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return nil
	}
	var all []*ast.Ident
	for _, f := range list.List {
		all = append(all, f.Names...)
	}
	return all
}

func TestNamesAreTheFieldsWords(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.generated {
			continue
		}
		for name, at := range declared(s) {
			if word := oldWords[name]; word != "" {
				t.Errorf("%s: call it %s instead of %s", s.fset.Position(at), word, name)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && oldWords[id.Name] != "" {
				t.Errorf("%s: call it %s instead of %s", s.fset.Position(id.Pos()), oldWords[id.Name], id.Name)
			}
			return true
		})
	}
}

// clause is a comment with a clause as a noun, such as "what was read" for the reading.
var clause = regexp.MustCompile(`//.*\b([Ww]hat|[Ww]ho|[Ww]hoever|[Ww]hatever)\b`)

// maxClauses is how many comment lines may have one.
const maxClauses = 20

func TestCommentsNameThingsByNouns(t *testing.T) {
	t.Parallel()
	var found []string
	for _, path := range files(t) {
		if strings.HasSuffix(path, "_templ.go") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(data), "\n") {
			if clause.MatchString(line) {
				found = append(found, path+": "+strings.TrimSpace(line))
			}
		}
	}
	if len(found) > maxClauses {
		slices.Sort(found)
		t.Errorf("%d comment lines say “what”, “who”, “whoever” or “whatever”, more than %d: name the thing, the person or the process\n%s",
			len(found), maxClauses, strings.Join(found, "\n"))
	}
}
