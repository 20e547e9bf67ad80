# make build  the program with the tablets' app, into bin/
# make demo   a provincial survey and a survey of real microdata, from questionnaire to report
# make test   every test
# make race   every test, with the race detector
# make check  format, vet, staticcheck and every test
# make bench  the speed table of the estimators, beside R if it is there (ARGS=-help says what can be chosen);
#             where the engine is there, bench-clickhouse comes last; BENCH=REGEXP runs the Go benchmarks
#             of that name in its place, COUNT times
# make bench-clickhouse  the literacy rate from PEOPLE made-up responses in ClickHouse, with 1,000 bootstrap
#             replicates that are raked to five margins each
# make bench-report  the report of PEOPLE made-up responses in ClickHouse, with the shipped plan, up to the page
# make fuzz-expr  a million random expressions, held against cel-go (N says how many)
# make coverage  how often the demo's intervals cover the truth, linearised and bootstrapped, over 200 surveys
# make quality  how often each quality flag strikes honest and faulty interviews, over 100 simulated waves
#             (ARGS=-update rewrites the tables of the manual)
# make conformance  the table of reference cases (SUYANG_ORACLES=DIR and SUYANG_DATA=DIR for further ones)
# make draws  how often 10,000 simulated draws of every method and of whole plans take each unit, and the totals they estimate
# make frames  how long reading, checking and merging a frame of 705,600 villages takes, from CSV and from XLSX
# make disclosure  attacks on PUBLICATIONS random publications of each kind and all views of GUARDS filtered pages:
#             how many hidden cells are found, and how many if only the sensitive ones are hidden;
#             the same on REPORTS whole reports as they are printed, on as many corrections of them, and on
#             both views of the live page of WATCHED surveys, watched from the first interview to the last
# make cells  the sums of the store against those of memory, of WAVES made-up waves with questionnaires and plans of their own, from SEED on
# make household  how often an enumerator who interviews whoever opens the door is found, over 2,000 surveys
# make sim    N submissions to simulated installations with power cuts, failing disks and a store that lies, from SEED on
# make chaos  interviews at RATE a second while the way to the real engine is disturbed in every manner, each for PHASE,
#             and while the engine is away for AWAY
# make bench-ship  how many interviews a second go from the log into the real engine, INTERVIEWS of them
# make page-weight  bytes of each respondent page, and how long it takes on an old phone with a slow network
# make bench-pages  how many respondent pages a second the server gives, sent with everything it stores, and only seen
# make rebuild  the store made anew from a log of three million interviews, and compared with it record by record
# make crash  CUTS power cuts for each of two models of directories, on a lossy FUSE file system, and KILLS kills of
#             processes that write: nothing acknowledged may be lost
# make diskfault  FAULTS runs with disks that fail, are full, become read-only, or change what is on them
# make bench-log  the log under 64 writers beside one writer that syncs each record, and SQLite, in one run, and how
#             long a log takes to open
# make restart  how soon a server is ready that is killed while PENDING interviews of 1 KB wait for the store
# make load   durable submissions a second over CONNS connections, N of them of 2 KB and of 250 questions, with the
#             generator beside the server and shipping held; LOAD_ARGS=-shipped ships to the engine meanwhile
# make overload  ten times as many submissions as can be made durable, for OVERLOAD seconds: what is accepted, refused, lost
# make slow   10,000 clients that send their requests byte by byte, or long headers, what healthy ones notice, and
#             the memory of the server
# make nat    600 sessions behind one address, and one of them that sends without end
# make hostile  PAYLOADS hostile requests for every endpoint, the desk's and the tablets' too
# make canary marked names and numbers at every endpoint, looked for in logs and metrics
# make wasm   the form engine for the browser, into bin/
# make tablet the app of the enumerators' tablets, into web/tablet/dist, from where the program takes it
# make releases  every bit of a release changed, and KILLS kills of a process that makes releases: all is found, nothing half
# make test-tablet  interviews on a tablet in a real browser that is killed KILLS times, over a network that drops,
#             repeats, reorders and truncates, to a server that is killed, too
# make replay SUBMISSIONS interviews, each sent one to ten times in any order to three collectors that are
#             killed NODE_KILLS times: each is stored once, and the statistics are those of a clean run, bit for bit
# make engine the ClickHouse engine library, into bin/
# make odk    the engine of ODK Web Forms, which the tests of exported forms need (Node.js)
# make axe    what the browser tests look for faults in pages with (Node.js)
# make echarts  the chart library, from web/echarts
# make deps   what the browser tests and the PNG of charts need (Debian, Ubuntu)

GO      ?= go
TOOL     = $(GO) tool -modfile=internal/tools/go.mod
LIBCHDB  = $(CURDIR)/bin/libchdb.so
GOFILES  = $(shell git ls-files '*.go')
COUNT   ?= 1
PEOPLE  ?= 100000
N       ?= 1000000
KILLS   ?= 200
CUTS    ?= 200
SIMULATED ?= 20000
FAULTS  ?= 550
SUBMISSIONS ?= 1000000
NODE_KILLS  ?= 60
SEED    ?= 1
PHASE   ?= 60s
AWAY    ?= 10m
RATE    ?= 200
INTERVIEWS ?= 30000
LOAD    ?= $(if $(filter command,$(firstword $(origin N))),$(N),200000)
CONNS   ?= 50
OVERLOAD ?= 60
PAYLOADS ?= 5000
PENDING  ?= 1000000
PUBLICATIONS ?= 100
GUARDS  ?= 20
REPORTS ?= 300
WATCHED ?= 40
WAVES   ?= 1000

.PHONY: disclosure build wasm tablet test-tablet engine demo test race check bench bench-clickhouse bench-report bench-pages bench-ship chaos sim page-weight conformance coverage draws frames cells household rebuild quality replay fuzz-expr crash releases diskfault bench-log echarts odk axe deps load restart overload slow nat hostile canary

build: tablet
	$(GO) build -o bin/suyang ./cmd/suyang

wasm:
	GOOS=js GOARCH=wasm $(GO) build -trimpath -buildvcs=false -ldflags="-s -w" -o bin/form.wasm ./cmd/formwasm

tablet: wasm web/tablet/node_modules/.package-lock.json
	cd web/tablet && FORM_WASM="$(CURDIR)/bin/form.wasm" npm run --silent build
web/tablet/node_modules/.package-lock.json: web/tablet/package-lock.json
	cd web/tablet && npm ci --ignore-scripts --silent --no-audit --no-fund && touch node_modules/.package-lock.json

engine:
	@internal/clickhouse/engine/fetch.sh bin

demo: engine build
	bin/suyang demo $(ARGS)

odk: surveys/xlsform/odk/node_modules/.package-lock.json
surveys/xlsform/odk/node_modules/.package-lock.json: surveys/xlsform/odk/package-lock.json
	cd surveys/xlsform/odk && npm ci --ignore-scripts --silent --no-audit --no-fund && touch node_modules/.package-lock.json

test: engine odk axe tablet
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test -timeout 20m ./...

race: engine odk axe tablet
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test -race -timeout 40m ./...

check: engine tablet
	@out=$$(gofmt -l $(GOFILES)); test -z "$$out" || { echo "not formatted: $$out"; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	cd web/tablet && npm run --silent check
	$(MAKE) test

test-tablet: engine axe tablet
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./cmd/suyang -run '^TestTablet' -v -count 1 -timeout 80m -args -kills $(KILLS) -everything

ifdef BENCH
bench: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...
else
bench:
	@$(GO) run ./analysis/internal/bench $(ARGS)
	@if test -e "$(LIBCHDB)"; then $(MAKE) --no-print-directory bench-clickhouse; \
	else echo "From ClickHouse: make bench-clickhouse, which fetches the engine."; fi
endif

bench-clickhouse: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./internal/clickhouse -run '^$$' -bench '^BenchmarkJob$$' -benchtime 1x -timeout 2h -args -people $(PEOPLE)

bench-report: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./internal/clickhouse -run '^$$' -bench '^BenchmarkReport$$' -benchtime 1x -timeout 2h -args -people $(PEOPLE)

load: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./cmd/suyang -run '^TestLoad$$' -v -count 1 -timeout 60m -args -load $(LOAD) -connections $(CONNS) $(LOAD_ARGS)

restart:
	$(GO) test ./cmd/suyang -run '^TestRestart$$' -v -count 1 -timeout 30m -args -pending $(PENDING) -restarts 3

overload:
	$(GO) test ./internal/server -run '^TestOverload$$' -v -count 1 -timeout 30m -args -overload $(OVERLOAD)

slow:
	$(GO) test ./internal/server -run '^TestSlowloris$$' -v -count 1 -args -slow-clients 10000

nat:
	$(GO) test ./internal/server -run '^TestASchoolBehindOneAddress$$' -v -count 1 -args -pupils 600

hostile:
	$(GO) test ./internal/server -run '^TestHostileEverywhere$$' -v -count 1 -timeout 120m -args -hostile $(PAYLOADS)

canary:
	$(GO) test ./internal/server -run '^TestCanary$$' -v -count 1 -timeout 30m -args -hostile $(PAYLOADS)

bench-pages:
	$(GO) test ./internal/server -run '^$$' -bench '^Benchmark(Pages|Views)$$' -benchtime 20s -benchmem -count $(COUNT)

bench-ship: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./internal/intake -run '^$$' -bench '^BenchmarkShip$$' -benchtime $(INTERVIEWS)x -timeout 1h -count $(COUNT)

sim:
	$(GO) test ./internal/intake -run '^(TestSimulation|TestASeedReplays|TestSimulationFindsWhatIsBroken)$$' -v -count 1 -timeout 2h -args -operations $(N) -seed $(SEED)

chaos: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./internal/intake -run '^TestChaos$$' -v -count 1 -timeout 3h -args -phase $(PHASE) -away $(AWAY) -rate $(RATE)

page-weight:
	$(GO) test ./internal/server -run '^TestPageWeight$$' -v -count 1 -args -slow

conformance:
	@out=$$($(GO) test ./analysis/conformance -run TestOracles -v -count 1 2>&1); status=$$?; \
	echo "$$out" | grep -v '^ *\(=== \|--- PASS\)'; exit $$status

fuzz-expr:
	$(GO) test ./surveys/expr -run '^TestAgreesWithCEL$$' -count 1 -timeout 2h -args -expressions $(N)

coverage:
	$(GO) test ./internal/demo -run TestCoverage -v -count 1 -timeout 60m -args -surveys 200 -interviews 3300 -replicates 1000

draws:
	$(GO) test ./analysis/sampling -run '^(TestSimulation|TestSampfordByEnumeration)$$' -v -count 1 -timeout 30m -args -draws 100000
	$(GO) test ./internal/fieldwork -run '^TestDrawIsUnbiased$$' -v -count 1 -timeout 30m -args -draws 10000

frames:
	$(GO) test ./internal/fieldwork -run '^TestFrameSpeed$$' -v -count 1 -args -townships 19600

disclosure:
	$(GO) test ./analysis/disclosure -run '^(TestNothingHiddenIsFound|TestReadersWhoReckonWithPeople|TestFilteredViews)$$' -v -count 1 -timeout 2h -args -publications $(PUBLICATIONS) -guards $(GUARDS)
	$(GO) test ./internal/report -run '^(TestAttackOnReports|TestCorrectionsTellNothing|TestTwoWeightingsHideTheSame)$$' -v -count 1 -timeout 2h -args -reports $(REPORTS)
	$(GO) test ./internal/live -run '^(TestTwoViewsTellNothing|TestPagesOfAllAreasTellNothing)$$' -v -count 1 -timeout 2h -args -watched $(WATCHED)

cells: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./internal/clickhouse -run '^TestMadeUpWavesEqualMemory$$' -v -count 1 -timeout 2h -args -waves $(WAVES) -seed $(SEED)

household:
	$(GO) test ./internal/fieldwork/household -run '^TestOpenerTable$$' -v -count 1 -timeout 30m -args -surveys 2000

rebuild: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./internal/intake -run '^TestRebuildWithTheEngine$$' -v -count 1 -timeout 60m -args -rebuild 3000000

quality:
	$(GO) test ./internal/fieldwork/quality -run '^TestRates$$' -v -count 1 -timeout 60m -args -waves 100 $(ARGS)

crash:
	$(GO) test ./internal/intake/wal -run '^Test(Crash|CrashSuiteFindsBrokenRules|KilledProcess|OracleCrashes|PowerCuts)$$' -v -count 1 -timeout 60m -args -cuts $(CUTS) -kills $(KILLS) -simulated $(SIMULATED)

# Every bit of a release changed, and KILLS kills of a process that makes releases.
releases:
	$(GO) test ./internal/release -run '^Test(EveryByte|ChangedZip|Killed|PowerCut)$$' -v -count 1 -timeout 60m -args -kills $(KILLS) -every-bit

diskfault:
	$(GO) test ./internal/intake/wal -run '^Test(DiskFaults|DiskFaultsFindASyncTriedAgain|RealDiskFullThenFreed|RealReadOnlyDisk)$$' -v -count 1 -timeout 60m -args -faults $(FAULTS)

bench-log:
	$(GO) test ./internal/intake/wal -run '^TestLogSpeed$$' -v -count 1 -timeout 30m -args -speed 5s

replay: engine
	SUYANG_LIBCHDB="$(LIBCHDB)" $(GO) test ./cmd/suyang -run '^TestReplay$$' -v -count 1 -timeout 6h -args -submissions $(SUBMISSIONS) -node-kills $(NODE_KILLS)

echarts:
	cd web/echarts && npm ci --ignore-scripts --silent && npm run build

axe: web/tests/node_modules/axe-core/axe.min.js
web/tests/node_modules/axe-core/axe.min.js: web/tests/package-lock.json
	cd web/tests && npm ci --ignore-scripts --silent && touch node_modules/axe-core/axe.min.js

deps:
	apt-get update
	apt-get install -y --no-install-recommends chromium fonts-noto-cjk librsvg2-bin openssl
