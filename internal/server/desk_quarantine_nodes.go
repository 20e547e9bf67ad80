package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// Collector is another node that takes interviews, and decides about its quarantine when it is
// told to: its log is its own. A decision is durable there before it is confirmed; the same one
// sent again is done once. Errors that wrap surveys.ErrUnavailable say that nobody knows whether
// it was done. A node number that is not that of the collector is surveys.ErrNotFound.
type Collector interface {
	// Address is where the collector is, Number its number, 0 when it was not reached yet.
	Address() string
	Number() uint16
	Quarantine(ctx context.Context, wave string) (node uint16, list []intake.Quarantined, err error)
	Quarantined(ctx context.Context, node uint16, seq uint64) (intake.Quarantined, []byte, error)
	Dismiss(ctx context.Context, node uint16, seq uint64, v intake.Verdict) error
	Correct(ctx context.Context, node uint16, seq uint64, v intake.Verdict, iv surveys.Interview, replace bool) error
}

// collectorPatience is how long the desk waits for a collector.
const collectorPatience = 5 * time.Second

// logPlace names a quarantined interview: where it is in the log of a node, 0 for that of this
// server.
type logPlace struct {
	node uint16
	seq  uint64
}

// String is the place as addresses and the audit trail have it: 17, or n2-17 at node 2.
func (p logPlace) String() string {
	if p.node == 0 {
		return strconv.FormatUint(p.seq, 10)
	}
	return fmt.Sprintf("n%d-%d", p.node, p.seq)
}

// order sorts places, by node and then by number.
func (p logPlace) order() float64 { return float64(p.node)*(1<<36) + float64(p.seq) }

// readLogPlace reads what String writes; anything else is nowhere.
func readLogPlace(text string) (p logPlace, err error) {
	number := text
	if rest, is := strings.CutPrefix(text, "n"); is {
		var node string
		node, number, _ = strings.Cut(rest, "-")
		n, _ := strconv.ParseUint(node, 10, 16)
		p.node = uint16(n)
	}
	p.seq, err = strconv.ParseUint(number, 10, 64)
	if err != nil || p.String() != text {
		return logPlace{}, fmt.Errorf("number: %w", surveys.ErrNotFound)
	}
	return p, nil
}

// setAside is a quarantined interview with the node that has it.
type setAside struct {
	intake.Quarantined
	at logPlace
	// from is nil for one of this server.
	from Collector
}

// nodeName names the node of a place.
func (t *teller) nodeName(p logPlace) string {
	if p.node == 0 {
		return t.say("desk.quarantine.office")
	}
	return t.say("desk.quarantine.collector", "n", p.node)
}

// atCollectors lists what the collectors have in quarantine of a wave, in the order of the
// collectors, and the addresses of those that do not say. All are asked at one time.
func (d *desk) atCollectors(ctx context.Context, wave string) (list []setAside, away []string) {
	ctx, cancel := context.WithTimeout(ctx, collectorPatience)
	defer cancel()
	type answer struct {
		node uint16
		list []intake.Quarantined
		err  error
	}
	answers := make([]answer, len(d.deps.Collectors))
	var all sync.WaitGroup
	for i, c := range d.deps.Collectors {
		all.Go(func() {
			a := &answers[i]
			a.node, a.list, a.err = c.Quarantine(ctx, wave)
		})
	}
	all.Wait()
	for i, a := range answers {
		c := d.deps.Collectors[i]
		if a.err != nil {
			d.deps.Log.WarnContext(ctx, "the quarantine of a collector cannot be shown", "collector", c.Address(), "cause", a.err)
			away = append(away, c.Address())
		}
		for _, q := range a.list {
			list = append(list, setAside{q, logPlace{a.node, q.Seq}, c})
		}
	}
	return list, away
}

// findAside returns the quarantined interview at a place, and its body as it came. A collector
// that was not reached since this server began is asked, too, since it may be the one.
func (d *desk) findAside(ctx context.Context, at logPlace) (setAside, []byte, error) {
	if at.node == 0 {
		q, body, err := d.deps.Quarantine.Quarantined(at.seq)
		return setAside{Quarantined: q, at: at}, body, err
	}
	ctx, cancel := context.WithTimeout(ctx, collectorPatience)
	defer cancel()
	missing := fmt.Errorf("no collector is node %d: %w", at.node, surveys.ErrNotFound)
	for _, c := range d.deps.Collectors {
		if n := c.Number(); n != 0 && n != at.node {
			continue
		}
		q, body, err := c.Quarantined(ctx, at.node, at.seq)
		if err == nil {
			return setAside{q, at, c}, body, nil
		}
		if !errors.Is(err, surveys.ErrNotFound) {
			missing = err
		}
	}
	return setAside{}, nil, missing
}

// dismissAside dismisses a quarantined interview on the node that has it.
func (d *desk) dismissAside(ctx context.Context, q setAside, v intake.Verdict) error {
	if q.from == nil {
		return d.deps.Quarantine.Dismiss(ctx, q.Seq, v)
	}
	ctx, cancel := context.WithTimeout(ctx, collectorPatience)
	defer cancel()
	return q.from.Dismiss(ctx, q.at.node, q.Seq, v)
}

// correctAside corrects a quarantined interview, which reads as iv, on the node that has it.
func (d *desk) correctAside(ctx context.Context, q setAside, c intake.Correction, iv surveys.Interview) error {
	if q.from == nil {
		_, err := d.deps.Quarantine.Correct(ctx, q.Seq, c)
		return err
	}
	c.Change(&iv)
	ctx, cancel := context.WithTimeout(ctx, collectorPatience)
	defer cancel()
	return q.from.Correct(ctx, q.at.node, q.Seq, c.Verdict, iv, c.Replace)
}
