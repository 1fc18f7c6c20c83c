# make help lists what there is.
GO        ?= go
# The toolchain that go.mod names is fetched when the installed Go is older: it has the security fixes.
export GOTOOLCHAIN = auto
BINARY     = bin/sheetlift
READER     = bin/sheetlift-reader
TESSERACT  = tesseract=tesseract-ocr,tesseract-ocr-eng,tesseract-ocr-osd
PICTURES   = heif-convert=libheif-examples pdftoppm=poppler-utils
CHROMIUM   = chromium=chromium,fonts-liberation
# The packages for pictures are not watched by the race detector: they work on what their caller alone holds, and took more
# than half of the processor's time in tests that upload many (docs/adr/0037-what-the-race-detector-watches.md).
PIXELS     = -gcflags=image/...=-race=false -gcflags=golang.org/x/image/...=-race=false
# The end-to-end tests wait for times of the product more than they compute: four at a time leave two cores half idle.
E2E        = $(GO) test -timeout 20m -parallel 6 ./internal/e2e
PRETTIER   = .ci/web/node_modules/.bin/prettier --config .ci/web/prettier.json
STATIC     = $(GO) tool -modfile=.ci/tools/go.mod staticcheck

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: run
run: packages pages build ## install what is missing, generate, build, and serve on http://127.0.0.1:8080
	@exec $(BINARY) serve

.PHONY: packages
packages:
	@deploy/packages.sh $(TESSERACT) $(PICTURES)

.PHONY: build
build: ## bin/sheetlift, one static binary, and bin/sheetlift-reader beside it
	CGO_ENABLED=0 $(GO) build -tags nodynamic -trimpath -o $(BINARY) ./cmd/sheetlift
	CGO_ENABLED=0 $(GO) build -trimpath -o $(READER) ./cmd/sheetlift-reader

.PHONY: pages
pages:
	@$(GO) tool templ generate

.PHONY: generate
generate: pages ## pages from templ, docs/configuration.md from the settings, docs/sheetlift.1 from the commands, THIRD_PARTY_NOTICES from go.mod
	$(GO) test ./internal/config -run '^$$' -update -count=1
	$(GO) test ./internal/cli -run '^$$' -update -count=1
	@$(GO) test ./internal -run '^TestTheNoticesNameEveryModuleInTheBinary$$' -update -count=1

.PHONY: fmt
fmt: ## format everything
	$(GO) tool templ fmt views
	gofmt -w client cmd internal views static

.PHONY: lint
lint: ## vet, staticcheck, formatting
	@test -z "$$(gofmt -l client cmd internal static views)" || { gofmt -l client cmd internal static views; echo 'run make fmt'; exit 1; }
	$(GO) vet ./...
	$(STATIC) ./...

.ci/web/node_modules: .ci/web/package-lock.json
	npm ci --prefix .ci/web --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: fmt-web
fmt-web: .ci/web/node_modules ## format the stylesheets; needs npm
	$(PRETTIER) --write 'static/css/*.css'

.PHONY: lint-web
lint-web: .ci/web/node_modules ## that the stylesheets are formatted; needs npm
	$(PRETTIER) --check 'static/css/*.css'

.PHONY: vulnerabilities
vulnerabilities: ## known vulnerabilities that the program can reach; needs the vulnerability database
	$(GO) tool -modfile=.ci/tools/go.mod govulncheck ./...

.PHONY: reproducible
reproducible: ## builds the last commit twice, in two folders, and compares the bytes
	@dir=$$(mktemp -d) && trap 'git worktree remove --force "$$dir/a"; git worktree remove --force "$$dir/another/place"; rm -rf "$$dir"' EXIT && \
	for place in a another/place; do \
		git worktree add -q --detach "$$dir/$$place" HEAD && (cd "$$dir/$$place" && \
		CGO_ENABLED=0 $(GO) build -tags nodynamic -trimpath -buildvcs=false -o sheetlift ./cmd/sheetlift) || exit 1; \
	done; \
	(cd "$$dir" && sha256sum a/sheetlift another/place/sheetlift && cmp a/sheetlift another/place/sheetlift) && echo 'the same bytes'

.PHONY: test
test: ## everything, all but the end-to-end tests with the race detector; installs what the tests need
	@deploy/packages.sh $(TESSERACT) $(PICTURES) $(CHROMIUM)
	@failed=0; set -x; \
	$(GO) test -race $(PIXELS) -timeout 20m -parallel 4 $$($(GO) list ./... | grep -v '/internal/e2e$$') || failed=1; \
	$(E2E) || failed=1; \
	{ set +x; } 2>/dev/null; exit $$failed

.PHONY: e2e
e2e: ## the end-to-end tests alone: the whole program, most of them in Chromium
	@deploy/packages.sh $(TESSERACT) $(PICTURES) $(CHROMIUM)
	$(E2E)

.PHONY: race
race: ## the end-to-end tests too with the race detector
	@deploy/packages.sh $(TESSERACT) $(PICTURES) $(CHROMIUM)
	$(GO) test -race $(PIXELS) -timeout 60m -parallel 2 ./internal/e2e

.PHONY: fuzz
fuzz: ## every fuzz target for 20 seconds
	@grep -rhoE --include='*_test.go' '^func (Fuzz[A-Za-z0-9]+)' -H internal | sed 's/:func /|/' | while IFS='|' read -r file name; do \
		echo "$$name in $$(dirname $$file)"; \
		$(GO) test ./$$(dirname $$file) -run '^$$' -fuzz "^$$name\$$" -fuzztime 20s -fuzzminimizetime 10x || exit 1; \
	done

.PHONY: chaos
chaos: ## 1,000 images, 120 times kill -9, three calls in ten fail; kills and a poison over 80 pictures; then every operation of the store fails in every way
	$(GO) test ./internal/e2e -run '^TestNothingIsLostWhenTheProcessIsKilledAgainAndAgain$$' -count=1 -v -timeout 30m -kills 120 -images 1000
	$(GO) test ./internal/e2e -run '^Test(EveryPictureIsReadHoweverOftenTheProgramIsKilled|APictureThatStopsTheProgramIsTheOnlyOneSetAside)$$' -count=1 -v -timeout 30m -deaths 5
	$(GO) test ./internal/worker -run '^TestNoInnocentPictureIsSetAsideHoweverOftenTheProgramIsKilled$$' -count=1 -v -timeout 30m -seeds 300
	$(GO) test ./internal/worker -run '^TestNoOperationOfTheRealStoreCanFailHarmfully$$' -count=1 -v -timeout 60m -every 1

.PHONY: conservation
conservation: ## an hour of answers, each changed in some way: none loses or doubles a row without a word; FOR=5m for a shorter one
	$(GO) test ./internal/table -run '^TestConservation$$' -count=1 -v -timeout 3h -conserve $(or $(FOR),1h)

.PHONY: accuracy
accuracy: ## words, cells and rows that each offline reader gets right on the sample data folder beside the checkout
	@deploy/packages.sh $(TESSERACT)
	$(GO) test ./internal/e2e -run '^TestAccuracy$$' -count=1 -v -timeout 180m -accuracy

.PHONY: bench-trust
bench-trust: ## the sample tables with errors put in, compared with their offline reading: how many errors become doubts
	@deploy/packages.sh $(TESSERACT)
	$(GO) test ./internal/e2e -run '^TestTheWitnessFindsErrors$$' -count=1 -v -timeout 60m -trust

.PHONY: alerts
alerts: ## the alert rules for Prometheus against known series; needs promtool, installs it
	@deploy/packages.sh promtool=prometheus
	cd deploy && promtool check rules alerts.yml && promtool test rules alerts_test.yml

.PHONY: bench
bench: ## 100 pictures through a simulated Gemini, 5 at once, against the ideal
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkBatch$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-queue
bench-queue: ## 500 doubts on 50 pictures, from a key to the next question on the screen
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkQueue$$' -benchtime 1x -count 1 -timeout 10m

.PHONY: bench-batch
bench-batch: ## whole batches under every fault against an offline scheduler that knows all faults; 25 minutes; ROW='600 at 24, healthy' for one row, RUNS=1
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkMakespans$$' -benchtime 1x -count 1 -timeout 60m -runs $(or $(RUNS),3) $(if $(ROW),-makespan '$(ROW)')

.PHONY: bench-keys
bench-keys: ## six keys through a simulated Gemini under every fault, against the ideal; 17 minutes; ROW=8 for one row
	$(GO) test ./internal/engine/gemini -run '^$$' -bench '^BenchmarkKeys$$' -benchtime 1x -count 1 -timeout 40m $(if $(ROW),-row $(ROW))

.PHONY: soak-keys
soak-keys: ## an hour of faults, 64 workers, with the race detector; SOAK=10m for a shorter one
	$(GO) test ./internal/engine/gemini -race -run '^TestSoak$$' -count 1 -v -timeout 3h -soak $(or $(SOAK),1h)

.PHONY: bench-images
bench-images: ## one photo of 12 megapixels to a picture and a thumbnail, against vipsthumbnail
	@deploy/packages.sh vipsthumbnail=libvips-tools
	$(GO) test ./internal/imaging -run '^$$' -bench '^BenchmarkAgainstVips$$' -benchtime 1x -count 1

.PHONY: bench-samples
bench-samples: ## every file of the sample data through the real server: reactions, the slowest refusal, memory
	@deploy/packages.sh $(PICTURES)
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkSamples$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-photos
bench-photos: ## what 500 phone photos of 4 MB weigh on their way from a browser, by 60 of them; PHOTOS=500 for all
	@deploy/packages.sh $(CHROMIUM)
	$(GO) test ./internal/e2e -run '^TestPhonePhotosTravelLight$$' -count=1 -v -timeout 60m -photos $(or $(PHOTOS),60)

.PHONY: bench-turned
bench-turned: ## which of the sample pictures are noticed when they are turned; 20 minutes of CPU, TURNED=3 for every third
	@deploy/packages.sh $(TESSERACT)
	$(GO) test ./internal/engine/tesseract -run '^TestTurnedPictures$$' -count=1 -v -timeout 90m -turned $(or $(TURNED),1)

.PHONY: bench-uploads
bench-uploads: ## 200 photos of 20 MB at once through the real server
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkUploads$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-draft
bench-draft: ## one picture into an empty draft and into one of 4,000, in turn
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkUploadIntoDraft$$' -benchtime 1x -count 1 -timeout 10m

.PHONY: bench-form
bench-form: ## 600 sheets in one form, against preparing them in a loop: CPU time, and how well the cores are used
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkUploadInOneRequest$$' -benchtime 1x -count 1 -timeout 10m

.PHONY: bench-hostile
bench-hostile: ## 1,000 hostile requests without a session: nothing left, memory, and how long a right password waits
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkHostileRequests$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-rows
bench-rows: ## 500 read images with 20 rows each in Chromium: all rows, filter, sort, check, replace, undo
	@deploy/packages.sh $(CHROMIUM)
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkRows$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-live
bench-live: ## what open pages see: 1,000 changes a second in Chromium, 1,000 readers, weight, first paint, buttons
	@deploy/packages.sh $(CHROMIUM)
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkLive$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-engine
bench-engine: ## the store: queue, changes, no-op work, cancel, lists, start, memory and readings that answer again; three of them on a cluster of three nodes
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngine(Enqueue|Change)' -benchtime 500x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineList' -benchtime 20x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineStart' -benchtime 3x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineNoOp/5$$' -benchtime 3x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineNoOp/64$$' -benchtime 3x -count 1
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkCancel$$' -benchtime 10x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineReadings' -benchtime 500x -count 1
	$(GO) test ./internal/e2e -run '^$$' -bench '^BenchmarkReadAgain$$' -benchtime 1x -count 1

.PHONY: shots
shots: ## screenshots of every page into screenshots/
	@deploy/packages.sh $(TESSERACT) $(CHROMIUM)
	$(GO) test ./internal/e2e -run '^TestAPersonTurnsSixtyPicturesIntoAWorkbook$$' -count=1 -shots
