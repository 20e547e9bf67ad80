package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/release"
)

// gathered is what a release is made of, what is wrong with it, and which logs nobody gave that
// it is made of too.
type gathered struct {
	inputs         release.Inputs
	faults, absent []string
}

// gather finds the inputs of a release and proves the ledger of all nodes. A server may be at
// work on the state folder.
func (r *released) gather(ctx context.Context) (g gathered, err error) {
	if g.inputs, err = r.inputs(ctx); err != nil {
		return g, err
	}
	ledgers, err := r.ledgers(ctx)
	if err != nil {
		return g, err
	}
	sum := intake.Sum(ledgers...)
	g.inputs.Ledger = release.Counts{Accepted: sum.Accepted, Stored: sum.Stored, Pending: sum.Pending, Quarantined: sum.Quarantined}
	if err := settled(ledgers); err != nil {
		g.faults = append(g.faults, err.Error())
	}
	g.absent, err = r.absentLogs(ctx, g.inputs.Log)
	return g, err
}

// absentLogs name the nodes whose interviews the store has while their logs were not given:
// nothing would prove those, though they are in the report.
func (r *released) absentLogs(ctx context.Context, heads []release.Head) (absent []string, err error) {
	places, err := r.st.store.Places(ctx, r.wave.ID)
	for _, node := range slices.Sorted(maps.Keys(places)) {
		if !slices.ContainsFunc(heads, func(h release.Head) bool { return h.Node == node }) {
			absent = append(absent, fmt.Sprintf("the store has interviews of node %d, but its log was not given: name the collector with --collectors, or its state folder with --log", node))
		}
	}
	return absent, err
}

// inputs are those without the ledger.
func (r *released) inputs(ctx context.Context) (in release.Inputs, err error) {
	if in.Files, err = r.frozenFiles(); err != nil {
		return in, err
	}
	stored, err := r.storedInputs(ctx)
	if err != nil {
		return in, err
	}
	in.Files = append(in.Files, stored...)
	for _, kind := range slices.Sorted(maps.Keys(r.extra)) {
		text, err := os.ReadFile(r.extra[kind])
		if err != nil {
			return in, err
		}
		in.Files = append(in.Files, release.Input{Kind: kind, Name: filepath.Base(r.extra[kind]), Digest: hexSum(text)})
	}
	in.Settings = map[string]string{weightsSetting: r.weights, varianceSetting: string(r.opt.Variance.Method), disclosureSetting: fmt.Sprintf("%+v", r.rules())}
	if v := r.opt.Variance; v.Method != assess.Taylor {
		in.Settings[replicatesSetting], in.Settings[seedSetting] = strconv.Itoa(v.Replicates), strconv.FormatUint(v.Seed, 10)
	}
	if y := r.wave.Fieldwork.Year(); y != 0 {
		in.Settings[yearSetting] = strconv.Itoa(y)
	}
	in.Log, err = r.heads(ctx)
	return in, err
}

// rules say what the report withholds.
func (r *released) rules() disclosure.Rules {
	if r.wave.Plan == nil {
		return disclosure.DefaultRules()
	}
	return r.wave.Plan.Rules()
}

// The settings in a manifest that the numbers of a release depend on.
const (
	weightsSetting    = "weights"
	varianceSetting   = "variance"
	replicatesSetting = "replicates"
	seedSetting       = "seed"
	disclosureSetting = "disclosure"
	yearSetting       = "year" // where the trend has the survey
)

func hexSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// frozenFiles are the questionnaires, the plan and the sample of the wave.
func (r *released) frozenFiles() (list []release.Input, err error) {
	files, err := r.st.flags.waves().Frozen(r.wave.ID)
	for _, f := range files {
		kind := "wave-file"
		if f.Version != "" {
			kind = "questionnaire " + f.Version
		}
		list = append(list, release.Input{Kind: kind, Name: f.Name, Digest: f.SHA256})
	}
	return list, err
}

// storedInputs are what the store has of the wave, and what the weights were made of.
func (r *released) storedInputs(ctx context.Context) (list []release.Input, err error) {
	d, err := r.st.store.Digests(ctx, r.wave.ID, r.weights)
	if err != nil {
		return nil, err
	}
	for _, i := range []release.Input{{Kind: "sample", Name: r.wave.ID, Digest: d.Sample}, {Kind: "standings", Name: r.wave.ID, Digest: d.Standings}, {Kind: "weights", Name: r.weights, Digest: d.Weights}} {
		if i.Digest != "" {
			list = append(list, i)
		}
	}
	if r.weights == "" {
		return list, nil
	}
	record, err := r.st.store.Weighting(ctx, r.wave.ID, r.weights)
	if err != nil || record.PlanHash == "" { // programs of long ago kept no record
		return list, err
	}
	list = append(list, release.Input{Kind: "weighting-plan", Name: r.weights, Digest: record.PlanHash})
	for _, f := range record.Files {
		list = append(list, release.Input{Kind: "weighting-file", Name: f.Name, Digest: f.Hash})
	}
	return list, nil
}

// lookedAt is a log that is looked at while a server may write to it.
type lookedAt struct{ *wal.View }

func (l lookedAt) Read(from uint64) iter.Seq2[wal.Record, error] {
	return l.Records(from, math.MaxUint64)
}

// look opens the log of a state folder for looking at; nil when it has none.
func (f *stateFlags) look() (*wal.View, error) {
	folder, err := wal.Existing(f.logFolder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return wal.Look(folder)
}

// headOf is the end of the chain of a state folder's log.
func (f *stateFlags) headOf() (h release.Head, has bool, err error) {
	view, err := f.look()
	if view == nil || err != nil {
		return h, false, err
	}
	found, err := view.Check()
	if err != nil {
		return h, false, err
	}
	node, err := f.number(0)
	return headIn(node, found.Head), true, err
}

func headIn(node uint16, h wal.Head) release.Head {
	return release.Head{Node: node, Seq: h.Seq, Hash: h.Hash.String()}
}

// heads are the ends of the chains of all nodes.
func (r *released) heads(ctx context.Context) (list []release.Head, err error) {
	for _, folder := range append([]string{r.st.flags.State}, r.Log...) {
		h, has, err := (&stateFlags{State: folder}).headOf()
		if err != nil {
			return nil, fmt.Errorf("the log of %s: %w", folder, err)
		}
		if has {
			list = append(list, h)
		}
	}
	clients, err := r.st.flags.clients(r.Collectors...)
	if err != nil {
		return nil, err
	}
	for _, client := range clients {
		end, err := client.Log(ctx, math.MaxInt64)
		if err != nil {
			return nil, err
		}
		list = append(list, headIn(end.Node, end.Head))
	}
	slices.SortFunc(list, func(a, b release.Head) int { return int(a.Node) - int(b.Node) })
	for i := 1; i < len(list); i++ {
		if list[i].Node == list[i-1].Node {
			return nil, fmt.Errorf("two of the logs are of node %d; give each node once", list[i].Node)
		}
	}
	return list, nil
}

// ledgers are those of all nodes, by their logs as they are now.
func (r *released) ledgers(ctx context.Context) (list []intake.Ledger, err error) {
	own, err := r.st.ownLedger(ctx)
	if err != nil {
		return nil, err
	}
	list = append(list, own...)
	for _, folder := range r.Log {
		l, err := r.st.verifyFolder(ctx, intake.Comparison{}, folder)
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", folder, err)
		}
		list = append(list, l)
	}
	clients, err := r.st.flags.clients(r.Collectors...)
	if err != nil {
		return nil, err
	}
	for _, client := range clients {
		l, err := r.st.verifyNode(ctx, intake.Comparison{}, client)
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", client.Address(), err)
		}
		list = append(list, l)
	}
	return list, nil
}

// ownLedger is that of the state folder, none when it has no log.
func (st *station) ownLedger(ctx context.Context) ([]intake.Ledger, error) {
	view, err := st.flags.look()
	if view == nil || err != nil {
		return nil, err
	}
	node, err := st.flags.number(0)
	if err != nil {
		return nil, err
	}
	stored, err := intake.ShippedIn(filepath.Join(st.flags.State, intakeFiles))
	if err != nil {
		return nil, err
	}
	l, err := intake.CompareLog(ctx, node, lookedAt{view}, stored, st.store, intake.Comparison{})
	return []intake.Ledger{l}, err
}
