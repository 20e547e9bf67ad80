package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/suyang-survey/suyang/internal/backoff"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/node"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// How the log is followed: how often it is looked at, and how many interviews the office
// takes in one transaction.
const (
	followEvery = 500 * time.Millisecond
	takenAtOnce = 500
)

// follow tells the cases of the office of the interviews that the intake accepts, until ctx
// ends. The office notes how far it came, so nothing is missed or told twice, whenever the
// program ends; while the office cannot write, interviews are accepted all the same.
func (st *station) follow(ctx context.Context) error {
	wait := backoff.New(firstWait, longestWait, nil)
	for {
		pause := followEvery
		if err := st.takeAccepted(ctx); err == nil {
			wait.Reset()
		} else if ctx.Err() == nil {
			slog.Warn("cases have not been told of their interviews yet", "cause", err)
			pause = wait.Next()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// takeAccepted tells the cases of all interviews that were accepted before.
func (st *station) takeAccepted(ctx context.Context) error {
	after, err := st.office.TakenUpTo(ctx, st.node)
	if err != nil {
		return err
	}
	var list []office.Arrival
	for r, err := range st.intake.CaseArrivals(after) {
		if err != nil {
			return err
		}
		if list = append(list, office.Arrival(r)); len(list) == takenAtOnce {
			if err := st.office.Take(ctx, list, st.told); err != nil {
				return err
			}
			list = list[:0]
		}
	}
	return st.office.Take(ctx, list, st.told)
}

// followCollector tells the cases of the office of the interviews that a collector accepts,
// until ctx ends. They come from the collector's log itself, in its order and with what is in
// quarantine: ClickHouse has no order that a cursor could follow, since blocks of a node that
// was cut off come late, and it does not have second interviews of a case at all.
func (st *station) followCollector(ctx context.Context, c *node.Client) error {
	wait, after := backoff.New(firstWait, longestWait, nil), uint64(0)
	for {
		pause := followEvery
		upTo, err := st.takeFrom(ctx, c, after)
		switch {
		case err == nil:
			wait.Reset()
			if upTo > after { // there may be more
				pause = 0
			}
			after = upTo
		case ctx.Err() == nil:
			slog.Warn("cases have not been told of the interviews of a collector yet", "collector", c.Address(), "cause", err)
			pause = wait.Next()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// takeFrom tells the cases of one page of interviews that a collector accepted, and returns
// the number in its log that the page reaches to. The office's own note of how far it came
// counts, where that is further.
func (st *station) takeFrom(ctx context.Context, c *node.Client, after uint64) (uint64, error) {
	if after == 0 {
		var err error
		if after, err = st.takenFrom(ctx, c); err != nil {
			return 0, err
		}
	}
	page, err := c.Log(ctx, after)
	if err != nil {
		return 0, err
	}
	arrivals, err := st.intake.ArrivalsIn(page.Records)
	if err != nil {
		return 0, err
	}
	list := make([]office.Arrival, len(arrivals))
	for i, a := range arrivals {
		if list[i] = office.Arrival(a); a.Node != page.Node {
			return 0, fmt.Errorf("node %d has a record of node %d in its log: %w", page.Node, a.Node, surveys.ErrConflict)
		}
	}
	for part := range slices.Chunk(list, takenAtOnce) {
		if err := st.office.Take(ctx, part, st.told); err != nil {
			return 0, err
		}
		st.heard.Add(uint64(len(part)))
	}
	return page.UpTo, nil
}

// takenFrom is how far the log of a collector was read, by its number, which must be its own.
func (st *station) takenFrom(ctx context.Context, c *node.Client) (uint64, error) {
	end, err := c.Log(ctx, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	if other, taken := st.numbers.LoadOrStore(end.Node, c.Address()); end.Node == st.node || taken && other != c.Address() {
		return 0, fmt.Errorf("collector %s says that it is node %d, which another one is: give each its own number with --node: %w", c.Address(), end.Node, surveys.ErrConflict)
	}
	return st.office.TakenUpTo(ctx, end.Node)
}

// The items that tell who was interviewed, as all questionnaires of the library have them:
// the sex by GB/T 2261.1, and the age in full years.
const itemSex, itemAge = "sex", "age"

// told is what the office may know of an interview.
func (st *station) told(iv *surveys.Interview) office.Told {
	out := office.Told{Ineligible: st.ineligible(iv), Sex: household.SexUnknown, Age: household.AgeUnknown}
	switch iv.Answers.First(itemSex) {
	case "1":
		out.Sex = household.Man
	case "2":
		out.Sex = household.Woman
	}
	if age, err := strconv.Atoi(iv.Answers.First(itemAge)); err == nil && age >= 0 {
		out.Age = age
	}
	return out
}

// ineligible reports whether a whole interview ended before the first item that is scored:
// that is how a questionnaire lets go of people who do not belong to the population.
func (st *station) ineligible(iv *surveys.Interview) bool {
	list := st.published().waves
	i := slices.IndexFunc(list, func(w waves.Wave) bool { return w.ID == iv.Wave })
	if i < 0 {
		return false
	}
	scored := false
	for it := range list[i].Questionnaire.Items {
		if it.Dimension == "" {
			continue
		}
		if _, asked := iv.Answers[it.ID]; asked {
			return false
		}
		scored = true
	}
	return scored
}

// tellStandings brings what the fieldwork says of the cases of a wave to where it is weighed
// and estimated. Waves without cases in the office have nothing to tell.
func (st *station) tellStandings(ctx context.Context, wave string) error {
	has, err := st.office.HasCases(ctx, wave)
	if err != nil || !has {
		return err
	}
	list, err := st.office.Standings(ctx, wave)
	if err != nil {
		return err
	}
	return st.store.PutStandings(ctx, wave, list)
}
