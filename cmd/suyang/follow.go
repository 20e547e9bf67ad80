package main

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/intake"
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
	wait := firstWait
	for {
		pause := followEvery
		if err := st.takeAccepted(ctx); err == nil {
			wait = firstWait
		} else if ctx.Err() == nil {
			slog.Warn("cases have not been told of their interviews yet", "cause", err)
			pause, wait = wait, min(2*wait, longestWait)
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
	after, err := st.office.TakenUpTo(ctx, intakeNode)
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
	i := slices.IndexFunc(st.waves, func(w waves.Wave) bool { return w.ID == iv.Wave })
	if i < 0 {
		return false
	}
	scored := false
	for it := range st.waves[i].Questionnaire.Items {
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

// intakeNode is the number under which this program appends to its log.
var intakeNode = intake.DefaultConfig("").Node

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
