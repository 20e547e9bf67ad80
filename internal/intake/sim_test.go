package intake_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

var (
	simOperations = flag.Int("operations", 2000, "how many submissions TestSimulation sends")
	simSeed       = flag.Uint64("seed", 1, "seed of the first world of TestSimulation")
)

// The size of a world: an intake with its disks, its clients and its store.
const (
	worldOperations = 500
	worldClients    = 5
	// stepsOfLife is how many turns there are on average before the power is cut.
	stepsOfLife = 100
)

// simQuestionnaire is asked in all worlds.
var simForm = sync.OnceValue(func() *form.Form {
	f, err := form.Compile(questionnaire)
	if err != nil {
		panic(err)
	}
	return f
})

// world is a simulated installation.
type world struct {
	turns            *turns
	rng              *rand.Rand // of the main goroutine
	logDisk, ownDisk *simdisk.Disk
	store            *simStore
	log              *wal.Log
	in               *intake.Intake
	model            *model
	broken           sabotage

	// cutAt is the turn before which the power is cut; 0 means never.
	cutAt     int
	dead      bool
	crashes   int
	opening   bool // the log or the intake is being opened
	reopening int  // power cuts meanwhile; few of them let the opening fail
	faults    map[string]int
}

// sabotage breaks a rule of the intake, to see that the simulation finds it.
type sabotage struct {
	store   func(intake.Store) intake.Store
	logFS   func(wal.FS) wal.FS
	ownFS   func(wal.FS) wal.FS
	log     func(intake.Log) intake.Log
	recheck time.Duration // how often the store is compared again, if not as usual
}

// outcome is what came of a world.
type outcome struct {
	operations, crashes, reopening, turns, acknowledged, stored, quarantined, lost, doubled int
	faults                                                                                  map[string]int
	trace                                                                                   uint64
	wrong                                                                                   []string
}

// simulate lets a world live and end, and checks it.
func simulate(t *testing.T, seed uint64, broken sabotage) (out outcome) {
	synctest.Test(t, func(t *testing.T) {
		random := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
		directories := simdisk.Directories(seed % 2)
		w := &world{turns: newTurns(random(1)), rng: random(2), model: newModel(), broken: broken, faults: map[string]int{},
			logDisk: simdisk.New(seed, directories), ownDisk: simdisk.New(seed+1<<32, directories)}
		w.store = newSimStore(w.turns, random(3))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.live(seed)
			w.end()
		}()
		w.turns.run(ended, w.before)
		out = w.model.outcome
		out.crashes, out.reopening, out.turns, out.trace = w.crashes, w.reopening, w.turns.given, w.turns.sum.Sum64()
		out.faults = w.faults
		for kind, n := range w.store.faults {
			out.faults[kind] += n
		}
	})
	return out
}

// before is called before each turn: it cuts the power when it is time.
func (w *world) before(given int) {
	if w.cutAt == 0 || given < w.cutAt || w.dead {
		return
	}
	w.dead, w.store.off = true, true
	w.logDisk.CutAfter(0)
	w.ownDisk.CutAfter(0)
	w.crashes++
	if w.opening {
		w.reopening++
	}
}

// live is one life after the other, each ended by a power cut, until all is sent.
func (w *world) live(seed uint64) {
	clients := make([]*client, worldClients)
	for i := range clients {
		clients[i] = &client{world: w, name: fmt.Sprint("client ", i), rng: rand.New(rand.NewPCG(seed, 100+uint64(i)))}
	}
	for w.model.operations < worldOperations {
		w.turns.take("main")
		w.cutAt = w.turns.given + 1 + w.rng.IntN(2*stepsOfLife)
		w.opening = true
		stop, ok := w.start(seed)
		w.opening = false
		if ok {
			w.trouble()
			w.let(clients)
			stop()
		}
		w.reboot()
	}
}

// start opens the log and the intake and lets it ship. It fails when the power is cut.
func (w *world) start(seed uint64) (stop func(), ok bool) {
	logFS, ownFS := wal.FS(turnFS{w.logDisk, w.turns, "log"}), wal.FS(turnFS{w.ownDisk, w.turns, "own"})
	if w.broken.logFS != nil {
		logFS = w.broken.logFS(logFS)
	}
	if w.broken.ownFS != nil {
		ownFS = w.broken.ownFS(ownFS)
	}
	c := wal.DefaultConfig("")
	c.FS, c.SegmentBytes, c.BatchBytes, c.Logger = logFS, 48<<10, 16<<10, quiet
	log, err := wal.Open(c)
	if err != nil {
		return nil, w.excuse("open the log", err)
	}
	w.log = log
	cfg := intake.DefaultConfig("")
	cfg.Key = installation
	cfg.FS, cfg.Logger, cfg.BlockRecords, cfg.BlockAge, cfg.AttemptTime = ownFS, quiet, 8, 50*time.Millisecond, 10*time.Second
	cfg.RecheckEvery, cfg.RecheckPause = 5*time.Minute, 10*time.Millisecond
	if w.broken.recheck != 0 {
		cfg.RecheckEvery = w.broken.recheck
	}
	cfg.Random = rand.NewPCG(seed, 1000+uint64(w.crashes))
	waves := &intake.Waves{}
	for _, name := range simWaves {
		waves.Publish(name, questionnaire.ID, questionnaire.Version(), intake.Edition{Form: simForm()})
	}
	store, ilog := intake.Store(w.store), intake.Log(log)
	if w.broken.store != nil {
		store = w.broken.store(store)
	}
	if w.broken.log != nil {
		ilog = w.broken.log(ilog)
	}
	if w.in, err = intake.New(cfg, ilog, store, waves, time.Now); err != nil {
		log.Close()
		return nil, w.excuse("open the intake", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.in.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
		log.Close()
	}, true
}

// excuse says that a start failed for want of power; anything else is wrong.
func (w *world) excuse(what string, err error) bool {
	if !w.dead {
		w.model.wrongf("%s: %v", what, err)
		w.dead = true
	}
	return false
}

// trouble chooses the weather of a life and the faults of its disks.
func (w *world) trouble() {
	w.store.weather = weathers[w.rng.IntN(len(weathers))]
	fault := func(kind string) { w.faults["disk: "+kind]++ }
	switch w.rng.IntN(12) {
	case 0:
		w.logDisk.Fail(simdisk.Faults{Syncs: 1})
		fault("a sync of the log fails")
	case 1:
		w.logDisk.Fail(simdisk.Faults{Writes: 1, ShortWrites: true})
		fault("a write to the log stops halfway")
	case 2:
		w.logDisk.Fail(simdisk.Faults{Syncs: -1})
		fault("all syncs of the log fail")
	case 3:
		w.logDisk.SetCapacity(0)
		fault("the disk of the log is full")
	case 4:
		w.ownDisk.Fail(simdisk.Faults{Writes: 1 + w.rng.IntN(3)})
		fault("writes of cursor and manifest fail")
	case 5:
		w.ownDisk.Fail(simdisk.Faults{Syncs: 1 + w.rng.IntN(3)})
		fault("syncs of cursor and manifest fail")
	case 6:
		w.ownDisk.SetCapacity(0)
		fault("the disk of cursor and manifest is full")
	}
}

// let has the clients submit until the power is cut. Half way full disks are freed.
func (w *world) let(clients []*client) {
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(c.run)
	}
	wg.Go(func() {
		time.Sleep(time.Duration(w.rng.IntN(2000)) * time.Millisecond)
		w.turns.take("free")
		w.logDisk.SetCapacity(-1)
		w.ownDisk.SetCapacity(-1)
	})
	wg.Wait()
}

// reboot is the time between two lives.
func (w *world) reboot() {
	w.turns.take("reboot")
	w.logDisk, w.ownDisk = w.logDisk.Reboot(), w.ownDisk.Reboot()
	w.dead, w.store.off, w.cutAt = false, false, 0
}

// end lets everything calm down, and then everything must be right.
func (w *world) end() {
	w.store.weather = "fine"
	stop, ok := w.start(0)
	if !ok {
		return
	}
	defer stop()
	c := &client{world: w, name: "last client", rng: w.rng}
	for range 20 { // proves that the store takes others than the poison
		c.submit(c.fresh())
	}
	time.Sleep(20 * time.Minute) // what is late comes, and the store is compared again
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	if err := w.in.Flush(ctx); err != nil {
		w.model.wrongf("not everything is stored at the end of the next day: %v", err)
	}
	w.model.check(w, c)
}

var simWaves = []string{"w1", "w2"}

// client submits interviews, again and again where the answer is not a receipt.
type client struct {
	*world
	name string
	rng  *rand.Rand
}

// run submits until the power is cut or enough is sent.
func (c *client) run() {
	result := ""
	for {
		time.Sleep(time.Duration(c.rng.IntN(200_000)) * time.Microsecond)
		c.turns.take(c.name + " " + result)
		if c.dead || c.model.operations >= worldOperations {
			c.turns.take(c.name + " waits")
			c.cut()
			return
		}
		result = c.submit(c.choose())
	}
}

// cut ends a life in which nobody has anything to do any more.
func (c *client) cut() {
	c.model.mu.Lock()
	defer c.model.mu.Unlock()
	c.cutAt = 1
}

// choose is mostly a new interview, else one that was sent before, another body under its
// identity, or the rest of one that was broken off.
func (c *client) choose() surveys.Interview {
	sent := c.model.sent
	if len(sent) == 0 || c.rng.IntN(100) < 60 {
		return c.fresh()
	}
	back := min(len(sent), 1+c.rng.IntN(1+c.rng.IntN(len(sent)))) // rather one of late
	iv := sent[len(sent)-back]
	switch n := c.rng.IntN(10); {
	case n < 2:
		iv.Answers = surveys.Answers{"earth": {"no"}, "name": {"other " + iv.Answers.First("name")}}
	case n < 5 && iv.Partial:
		iv.Partial, iv.Revision = false, iv.Revision+1
		iv.Answers = surveys.Answers{"earth": {"yes"}, "name": iv.Answers["name"]}
	}
	return iv
}

// fresh is a new interview: whole or broken off, of a case or not, and some are poison.
func (c *client) fresh() surveys.Interview {
	n := c.model.names()
	iv := interview(n)
	iv.Wave = simWaves[n%len(simWaves)]
	name := fmt.Sprint("person ", n)
	switch c.rng.IntN(300) {
	case 0:
		name = fmt.Sprint(poisonSaid, " ", n)
	case 1:
		name = fmt.Sprint(poisonRefused, " ", n)
	case 2:
		name = fmt.Sprint(poisonDeadly, " ", n)
	}
	iv.Answers = surveys.Answers{"earth": {"yes"}, "name": {name}}
	switch c.rng.IntN(10) {
	case 0:
		iv.Partial, iv.Answers = true, surveys.Answers{"name": {name}}
	case 1, 2:
		iv.Case = fmt.Sprint("case ", c.rng.IntN(200))
	}
	return iv
}

// submit sends an interview and tells the model what the answer was.
func (c *client) submit(iv surveys.Interview) string {
	c.model.sends(iv)
	b, err := json.Marshal(iv)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := c.in.Accept(ctx, b)
	c.model.answered(iv, sha256.Sum256(b), b, r, err)
	switch {
	case errors.Is(err, wal.ErrReadOnly):
		c.cut()
		return "read-only"
	case err != nil:
		return "error"
	}
	return fmt.Sprint(r.Status, r.Seq)
}

// TestSimulation lets worlds live, each in its own way, and finds everything that was
// acknowledged once in the store in the end. A world that fails is run again with its seed.
func TestSimulation(t *testing.T) {
	began := time.Now()
	var sum outcome
	sum.faults = map[string]int{}
	worlds := 0
	for ; sum.operations < *simOperations; worlds++ {
		seed := *simSeed + uint64(worlds)
		out := simulate(t, seed, sabotage{})
		sum.add(out)
		for _, w := range out.wrong {
			t.Errorf("seed %d: %s", seed, w)
		}
		if t.Failed() {
			t.Fatalf("run it again with: make sim SEED=%d N=1", seed)
		}
	}
	t.Logf("%d worlds from seed %d: %d operations, %d turns, %d power cuts, %d of them while opening; acknowledged %d, stored %d, quarantined %d; lost %d, doubled %d (%v)",
		worlds, *simSeed, sum.operations, sum.turns, sum.crashes, sum.reopening, sum.acknowledged, sum.stored, sum.quarantined, sum.lost, sum.doubled, time.Since(began).Round(time.Second))
	for _, kind := range slices.Sorted(maps.Keys(sum.faults)) {
		t.Logf("  %7d × %s", sum.faults[kind], kind)
	}
}

func (o *outcome) add(p outcome) {
	o.operations += p.operations
	o.crashes += p.crashes
	o.reopening += p.reopening
	o.turns += p.turns
	o.acknowledged += p.acknowledged
	o.stored += p.stored
	o.quarantined += p.quarantined
	o.lost += p.lost
	o.doubled += p.doubled
	for kind, n := range p.faults {
		o.faults[kind] += n
	}
}

// The same seed is the same run, turn by turn, and another is another.
func TestASeedReplays(t *testing.T) {
	first, again, other := simulate(t, 11, sabotage{}), simulate(t, 11, sabotage{}), simulate(t, 12, sabotage{})
	if first.trace != again.trace || first.turns != again.turns {
		t.Errorf("seed 11 gives the trace %x of %d turns, and then %x of %d", first.trace, first.turns, again.trace, again.turns)
	}
	if first.trace == other.trace {
		t.Errorf("seeds 11 and 12 give the same trace %x", first.trace)
	}
}

// model is what must be true of a world.
type model struct {
	outcome
	mu    sync.Mutex
	named int
	sent  []surveys.Interview
	// bodies are all that was sent, and receipts the first receipts of them.
	bodies    map[[32]byte][]byte
	receipts  map[[32]byte]intake.Receipt
	conflicts map[[32]byte]bool
}

func newModel() *model {
	return &model{bodies: map[[32]byte][]byte{}, receipts: map[[32]byte]intake.Receipt{}, conflicts: map[[32]byte]bool{}}
}

func (m *model) wrongf(format string, args ...any) {
	if len(m.wrong) < 20 {
		m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
	}
}

// names numbers new interviews.
func (m *model) names() int {
	m.named++
	return m.named
}

func (m *model) sends(iv surveys.Interview) {
	m.operations++
	m.sent = append(m.sent, iv)
}

// answered takes an answer in: the same body always has the same receipt, and different
// bodies under one identity do not both have one.
func (m *model) answered(iv surveys.Interview, sum [32]byte, body []byte, r intake.Receipt, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bodies[sum] = body
	if errors.Is(err, surveys.ErrConflict) {
		m.conflicts[sum] = true
		if _, both := m.receipts[sum]; both {
			m.wrongf("%s was acknowledged, and then it was in conflict", iv.ID)
		}
	}
	if err != nil {
		return
	}
	first, known := m.receipts[sum]
	r.Status, r.Signature = "", ""
	if known && r != first {
		m.wrongf("the receipt of %s was %+v and is %+v", iv.ID, first, r)
	}
	if !known {
		m.receipts[sum] = r
		m.acknowledged++
	}
}

// check compares the end of a world with all that was promised.
func (m *model) check(w *world, c *client) {
	for _, sum := range slices.SortedFunc(maps.Keys(m.receipts), func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) }) {
		r, err := w.in.Accept(context.Background(), m.bodies[sum])
		if r.Status, r.Signature = "", ""; err != nil || r != m.receipts[sum] {
			m.wrongf("the receipt of %s was %+v and is %+v (%v)", r.ID, m.receipts[sum], r, err)
		}
	}
	refused := m.checkQuarantine(w)
	m.checkStore(w, refused)
	l, err := w.in.Verify(context.Background())
	if err != nil || l.Accepted != l.Stored+l.Pending+l.Quarantined || l.Pending != 0 || len(l.Differences) > 0 || l.Lost() > 0 || len(l.Altered) > 0 {
		m.wrongf("the ledger is\n%v(%v)", l, err)
	}
	m.stored, m.quarantined = int(l.Stored), int(l.Quarantined)
}

// checkQuarantine finds every conflict kept once, and nobody refused but the poison.
func (m *model) checkQuarantine(w *world) (refused map[uint64]bool) {
	refused, kept := map[uint64]bool{}, map[[32]byte]int{}
	for _, q := range w.in.Quarantine() {
		_, body, err := w.in.Quarantined(q.Seq)
		if err != nil {
			m.wrongf("read the quarantine: %v", err)
			return refused
		}
		sum := sha256.Sum256(body)
		if q.Reason == "the store does not take it" {
			refused[q.Seq] = true
			if !strings.Contains(string(body), `"poison `) {
				m.wrongf("an interview is condemned that is no poison: %s", body)
			}
		} else if strings.HasPrefix(q.Reason, "conflict") {
			kept[sum]++
		}
	}
	for sum := range m.conflicts {
		if kept[sum] != 1 {
			m.wrongf("a body in conflict is kept %d times: %s", kept[sum], m.bodies[sum])
		}
	}
	return refused
}

// checkStore finds every acknowledged interview once in the store, and nothing that nobody
// sent.
func (m *model) checkStore(w *world, refused map[uint64]bool) {
	type identity struct {
		id       string
		revision uint32
	}
	places := map[identity][]uint64{}
	for seq, rows := range w.store.rows {
		for _, row := range rows {
			if m.bodies[row.sum] == nil {
				m.wrongf("the store has a record of %s that nobody sent", row.id)
			}
			places[identity{row.id, row.revision}] = append(places[identity{row.id, row.revision}], seq)
		}
	}
	for who, seqs := range places {
		if len(seqs) > 1 {
			m.doubled++
			m.wrongf("%s, revision %d, is stored %d times", who.id, who.revision, len(seqs))
		}
	}
	for sum, r := range m.receipts {
		there := slices.Contains(w.store.rows[r.Seq], simRow{r.ID, r.Revision, sum})
		poison := strings.Contains(string(m.bodies[sum]), `"poison `)
		switch counts := r.Quarantined == ""; {
		case counts && poison && !refused[r.Seq]:
			m.wrongf("a poisonous record is not in quarantine: %s", m.bodies[sum])
		case counts && !poison && !there:
			m.lost++
			m.wrongf("%s, revision %d, record %d, was acknowledged and is not in the store", r.ID, r.Revision, r.Seq)
		case !counts && there:
			m.wrongf("%s is quarantined and in the store", r.ID)
		}
	}
}
