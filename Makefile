# make help lists what there is.
GO        ?= go
BINARY     = bin/sheetlift
TESSERACT  = tesseract=tesseract-ocr,tesseract-ocr-eng,tesseract-ocr-osd
PICTURES   = heif-convert=libheif-examples pdftoppm=poppler-utils
CHROMIUM   = chromium=chromium,fonts-liberation
# The packages for pictures are not watched by the race detector: they work on what their caller alone holds, and took more
# than half of the processor's time in tests that upload many (docs/adr/0037-what-the-race-detector-watches.md).
PIXELS     = -gcflags=image/...=-race=false -gcflags=golang.org/x/image/...=-race=false
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
build: ## bin/sheetlift, one static binary
	CGO_ENABLED=0 $(GO) build -tags nodynamic -trimpath -o $(BINARY) ./cmd/sheetlift

.PHONY: pages
pages:
	@$(GO) tool templ generate

.PHONY: generate
generate: pages ## pages from templ, docs/configuration.md from the settings
	$(GO) test ./internal/config -run '^$$' -update -count=1

.PHONY: fmt
fmt: ## format everything
	$(GO) tool templ fmt views
	gofmt -w cmd internal views static

.PHONY: lint
lint: ## vet, staticcheck, formatting
	@test -z "$$(gofmt -l cmd internal static views)" || { gofmt -l cmd internal static views; echo 'run make fmt'; exit 1; }
	$(GO) vet ./...
	$(STATIC) ./...

.PHONY: test
test: ## everything, with the race detector; installs what the tests need
	@deploy/packages.sh $(TESSERACT) $(PICTURES) $(CHROMIUM)
	$(GO) test -race $(PIXELS) -timeout 14m -parallel 4 ./...

.PHONY: fuzz
fuzz: ## every fuzz target for 20 seconds
	@grep -rhoE --include='*_test.go' '^func (Fuzz[A-Za-z0-9]+)' -H internal | sed 's/:func /|/' | while IFS='|' read -r file name; do \
		echo "$$name in $$(dirname $$file)"; \
		$(GO) test ./$$(dirname $$file) -run '^$$' -fuzz "^$$name\$$" -fuzztime 20s -fuzzminimizetime 10x || exit 1; \
	done

.PHONY: chaos
chaos: ## 1,000 images, 120 times kill -9, three calls in ten fail; then every operation of the store fails in every way
	$(GO) test ./internal/app -run '^TestNothingIsLostWhenTheProcessIsKilledAgainAndAgain$$' -count=1 -v -timeout 30m -kills 120 -images 1000
	$(GO) test ./internal/extract -run '^TestNoOperationOfTheStoreCanFailHarmfully$$' -count=1 -v -timeout 60m -every 1

.PHONY: accuracy
accuracy: ## words, cells and rows right on the sample data folder beside the checkout
	@deploy/packages.sh $(TESSERACT)
	$(GO) test ./internal/app -run '^TestAccuracy$$' -count=1 -v -timeout 30m -accuracy

.PHONY: bench
bench: ## 100 pictures through a simulated Gemini, 5 at once, against the ideal
	$(GO) test ./internal/app -run '^$$' -bench '^BenchmarkBatch$$' -benchtime 1x -count 1 -timeout 20m

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
	$(GO) test ./internal/app -run '^$$' -bench '^BenchmarkSamples$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-photos
bench-photos: ## what 500 phone photos of 4 MB weigh on their way from a browser, by 60 of them; PHOTOS=500 for all
	@deploy/packages.sh $(CHROMIUM)
	$(GO) test ./internal/app -run '^TestPhonePhotosTravelLight$$' -count=1 -v -timeout 60m -photos $(or $(PHOTOS),60)

.PHONY: bench-turned
bench-turned: ## which of the sample pictures are noticed when they are turned; 20 minutes of CPU, TURNED=3 for every third
	@deploy/packages.sh $(TESSERACT)
	$(GO) test ./internal/engine/tesseract -run '^TestTurnedPictures$$' -count=1 -v -timeout 90m -turned $(or $(TURNED),1)

.PHONY: bench-uploads
bench-uploads: ## 200 photos of 20 MB at once through the real server
	$(GO) test ./internal/app -run '^$$' -bench '^BenchmarkUploads$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-rows
bench-rows: ## 500 read images with 20 rows each in Chromium: all rows, filter, sort, check, replace, undo
	@deploy/packages.sh $(CHROMIUM)
	$(GO) test ./internal/app -run '^$$' -bench '^BenchmarkRows$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-live
bench-live: ## what open pages see: 1,000 changes a second in Chromium, 1,000 readers, weight, first paint, buttons
	@deploy/packages.sh $(CHROMIUM)
	$(GO) test ./internal/app -run '^$$' -bench '^BenchmarkLive$$' -benchtime 1x -count 1 -timeout 20m

.PHONY: bench-engine
bench-engine: ## the store: queue, changes, no-op work, cancel, lists, start, memory and readings that answer again; three of them on a cluster of three nodes
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngine(Enqueue|Change)' -benchtime 500x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineList' -benchtime 20x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineStart' -benchtime 3x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineNoOp/5$$' -benchtime 3x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineNoOp/64$$' -benchtime 3x -count 1
	$(GO) test ./internal/app -run '^$$' -bench '^BenchmarkCancel$$' -benchtime 10x -count 1
	$(GO) test ./internal/store -run '^$$' -bench '^BenchmarkEngineReadings' -benchtime 500x -count 1
	$(GO) test ./internal/app -run '^$$' -bench '^BenchmarkReadAgain$$' -benchtime 1x -count 1

.PHONY: shots
shots: ## screenshots of every page into screenshots/
	@deploy/packages.sh $(TESSERACT) $(CHROMIUM)
	$(GO) test ./internal/app -run '^TestAPersonTurnsSixtyPicturesIntoAWorkbook$$' -count=1 -shots
