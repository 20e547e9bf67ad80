package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/demo"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/server"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// simulatedClock is the clock of the demo: weeks of fieldwork pass on it in seconds, and
// then it shows the time as it is.
type simulatedClock struct{ behind atomic.Int64 }

func (c *simulatedClock) Now() time.Time { return time.Now().Add(-time.Duration(c.behind.Load())) }

// set lets the clock show a time and go on from there.
func (c *simulatedClock) set(t time.Time) { c.behind.Store(int64(time.Since(t))) }

// pass lets time pass.
func (c *simulatedClock) pass(d time.Duration) { c.behind.Add(-int64(d)) }

// right lets the clock show the time as it is.
func (c *simulatedClock) right() { c.behind.Store(0) }

// sampleFolder is the folder of the demo with the frame, the plan and the draw, for whoever
// wants to draw again.
const sampleFolder = "sample"

// draw writes the frame and the plan, draws, and writes the draw file beside them.
func (d *demonstration) draw() error {
	folder := filepath.Join(d.State, sampleFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	frame, err := d.population.Frame()
	if err != nil {
		return err
	}
	planFile, drawFile := filepath.Join(folder, "draw.yaml"), filepath.Join(folder, "draw.jsonl")
	d.sample.frame = frame
	if err := os.WriteFile(filepath.Join(folder, demo.FrameFile), frame, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(planFile, d.population.DrawPlan(d.Seed), 0o644); err != nil {
		return err
	}
	command := drawCommand{Plan: planFile, Out: drawFile}
	if d.sample.draw, err = command.first(d.con, "suyang "+version()); err != nil {
		return err
	}
	if err := command.write(d.sample.draw); err != nil {
		return err
	}
	if d.sample.cases, err = drawnCases(d.sample.draw, 0, d.civic.questionnaire.Booklets); err != nil {
		return err
	}
	var file bytes.Buffer
	err = fieldwork.WriteSample(&file, d.sample.cases)
	d.sample.file = file.Bytes()
	d.con.say("%d addresses drawn from a frame of %d villages; draw again with: suyang draw --replay %s", len(d.sample.cases), d.sample.draw.Frame.Units, drawFile)
	return err
}

// period is when the fieldwork of the demo takes place: it begins on a Monday and ended some
// days ago.
func period() waves.Period {
	first := time.Now().In(surveys.ChinaTime).AddDate(0, 0, -demo.FieldworkDays-2)
	for first.Weekday() != time.Monday {
		first = first.AddDate(0, 0, -1)
	}
	start := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, surveys.ChinaTime)
	return waves.Period{First: start, Last: start.AddDate(0, 0, demo.FieldworkDays-1)}
}

// field is the fieldwork of the demo: people with roles in every city, and the cases.
type field struct {
	*demonstration
	client *http.Client
	base   string
	key    []byte
	q      *surveys.Questionnaire
	// of are the accounts by login, teams the logins of a city's enumerators.
	of    map[string]auth.Account
	teams map[string][]string
	cases map[string]*fieldCase
	// due are the deeds of each day by who does them, talks the interviews of each day by hour.
	due   []map[string][]office.Deed
	talks []map[int][]*fieldCase
	lists [][]*fieldCase // the households listed on each day
	// talking is how many interviews are going on.
	talking atomic.Int64
	// read is how far the log was read for the interviews of the cases.
	read uint64
}

// fieldCase is a case in the simulated fieldwork.
type fieldCase struct {
	fieldwork.Case
	city, enumerator string
	course           *demo.Course
	person           *demo.Person
	interview        surveys.Interview // the one that was accepted
	back             bool              // it was sent back by a review, and is asked again
}

// simulate does the fieldwork day by day: attempts, listings, interviews, reviews.
func (d *demonstration) simulate(ctx context.Context, base string, q *surveys.Questionnaire) error {
	f := &field{demonstration: d, base: base, q: q, of: map[string]auth.Account{}, teams: map[string][]string{}, cases: map[string]*fieldCase{}}
	d.clock.set(f.start)
	defer d.clock.right()
	var err error
	if f.key, err = d.flags.key(); err != nil {
		return err
	}
	f.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: visitorsAtOnce, DisableCompression: true}, Timeout: time.Minute}
	defer f.client.CloseIdleConnections()
	random := fmt.Appendf(nil, "the demo's numbers, of seed %020d", d.Seed)
	if err := d.st.office.PutDraw(ctx, office.NewDraw{Wave: d.home.wave, Draw: d.sample.draw, Cases: d.sample.cases, Frame: d.sample.frame, By: commandLine, At: f.start, Random: random}); err != nil {
		return err
	}
	if err := f.staff(ctx); err != nil {
		return err
	}
	if err := f.begin(ctx); err != nil {
		return err
	}
	bar := d.con.bar("days of fieldwork: visits, interviews on the server's pages, reviews", demo.FieldworkDays)
	defer bar.finish()
	for day := range demo.FieldworkDays {
		if err := f.day(ctx, day); err != nil {
			return fmt.Errorf("day %d of the fieldwork: %w", day+1, err)
		}
		bar.add(1)
	}
	return f.finish(ctx)
}

// enumeratorsPerCity is how many interviewers a city has.
const enumeratorsPerCity = 3

// staff makes the accounts.
func (f *field) staff(ctx context.Context) error {
	list := []auth.Account{
		{Login: "admin", Name: "系统管理员", Role: auth.Administrator},
		{Login: "province", Name: "省科协调查办", Role: auth.Province, Area: f.home.code[:2]},
		{Login: "stat", Name: "省统计师", Role: auth.Statistician, Area: f.home.code[:2]},
		{Login: "reader", Name: "查阅者", Role: auth.Reader, Area: f.home.code[:2]},
	}
	for _, c := range f.sample.cases {
		city := office.AreaOf(c)[:4]
		if f.teams[city] != nil {
			continue
		}
		list = append(list, auth.Account{Login: "city-" + city, Name: city + " 市科协", Role: auth.City, Area: city},
			auth.Account{Login: "super-" + city, Name: city + " 督导", Role: auth.Supervisor, Area: city})
		for n := range enumeratorsPerCity {
			login := fmt.Sprintf("int-%s-%d", city, n+1)
			list = append(list, auth.Account{Login: login, Name: fmt.Sprintf("%s 访问员 %d", city, n+1), Role: auth.Enumerator, Area: city})
			f.teams[city] = append(f.teams[city], login)
		}
	}
	for _, a := range list {
		if err := f.st.office.PutAccount(ctx, a, commandLine, f.start); err != nil {
			return err
		}
		f.of[a.Login] = a
	}
	return nil
}

// begin gives every village to an enumerator and plans the attempts.
func (f *field) begin(ctx context.Context) error {
	f.due, f.talks, f.lists = make([]map[string][]office.Deed, demo.FieldworkDays), make([]map[int][]*fieldCase, demo.FieldworkDays), make([][]*fieldCase, demo.FieldworkDays)
	for day := range f.due {
		f.due[day], f.talks[day] = map[string][]office.Deed{}, map[int][]*fieldCase{}
	}
	assign := map[string][]office.Deed{}
	villages := map[string]int{} // of each city
	given := map[string]string{}
	for _, c := range f.sample.cases {
		city, village := office.AreaOf(c)[:4], c.Columns["village"]
		if given[village] == "" {
			team := f.teams[city]
			given[village] = team[villages[city]%len(team)]
			villages[city]++
		}
		k := &fieldCase{Case: c, city: city, enumerator: given[village]}
		var err error
		if k.course, err = f.population.Course(f.Seed, c); err != nil {
			return err
		}
		f.cases[c.ID] = k
		assign["super-"+city] = append(assign["super-"+city], office.Deed{Case: c.ID, Event: fieldwork.Event{At: f.start.Add(9 * time.Hour), Action: fieldwork.Assign, Enumerator: k.enumerator}})
		tries := k.course.Tries
		if k.course.Listing != nil {
			last := tries[len(tries)-1]
			tries = tries[:len(tries)-1]
			f.lists[dayOf(last.After)] = append(f.lists[dayOf(last.After)], k)
		}
		f.try(k, tries)
	}
	return f.do(ctx, assign)
}

func dayOf(after time.Duration) int { return min(int(after/(24*time.Hour)), demo.FieldworkDays-1) }

// plan puts a deed on the list of a day.
func (f *field) plan(who string, day int, d office.Deed) {
	f.due[day][who] = append(f.due[day][who], d)
}

// try plans the attempts of a case.
func (f *field) try(k *fieldCase, tries []demo.Try) {
	for _, t := range tries {
		a := fieldwork.Attempt{At: f.start.Add(t.After), Contact: fieldwork.Visit, Outcome: t.Outcome}
		if t.Appointment > 0 {
			a.Appointment = f.start.Add(t.Appointment)
		}
		f.plan(k.enumerator, dayOf(t.After), office.Deed{Case: k.ID, Event: fieldwork.Event{At: a.At, Action: fieldwork.Try, Attempt: &a}})
	}
}

// do does what was planned, by who does it.
func (f *field) do(ctx context.Context, due map[string][]office.Deed) error {
	for _, who := range slices.Sorted(maps.Keys(due)) {
		deeds := due[who]
		slices.SortStableFunc(deeds, func(a, b office.Deed) int { return a.Event.At.Compare(b.Event.At) })
		refused, err := f.st.office.Do(ctx, f.of[who], f.home.wave, deeds, fieldwork.DefaultAttemptRules)
		if err := errors.Join(append(refused, err)...); err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
	}
	clear(due)
	return nil
}

// day is one day of fieldwork.
func (f *field) day(ctx context.Context, day int) error {
	if err := f.do(ctx, f.due[day]); err != nil {
		return err
	}
	for _, k := range f.lists[day] {
		if err := f.list(ctx, k); err != nil {
			return err
		}
	}
	if err := f.do(ctx, f.due[day]); err != nil { // what the listings brought about on the same day
		return err
	}
	for _, hour := range slices.Sorted(maps.Keys(f.talks[day])) {
		f.clock.set(f.start.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour))
		if err := each(ctx, visitorsAtOnce, f.talks[day][hour], f.interview); err != nil {
			return err
		}
	}
	evening := f.start.AddDate(0, 0, day).Add(22 * time.Hour)
	f.clock.set(evening)
	if err := f.st.takeAccepted(ctx); err != nil {
		return err
	}
	for r, err := range f.st.intake.Arrivals(f.read) {
		if err != nil {
			return err
		}
		f.read = r.Seq
		if k := f.cases[r.Case]; k != nil && r.Wave == f.home.wave && !r.Second {
			k.interview = r.Interview
		}
	}
	return f.review(ctx, day, evening)
}

// list has a household listed and a person of it selected, and plans what comes of that.
func (f *field) list(ctx context.Context, k *fieldCase) error {
	at := f.start.Add(k.course.ListedAt())
	l := *k.course.Listing
	l.Date = household.Date{Year: at.Year(), Month: int(at.Month()), Day: at.Day()}
	e, err := f.st.office.Select(ctx, f.of[k.enumerator], f.home.wave, k.ID, l, at)
	if err != nil {
		return err
	}
	k.person = k.course.People[e.Selection.Line-1]
	tries, interview, answers := f.population.Selected(f.Seed, k.person, k.course.ListedAt())
	f.try(k, tries)
	if answers {
		begin := office.Deed{Case: k.ID, Event: fieldwork.Event{At: f.start.Add(interview), Action: fieldwork.Begin}}
		day, hour := dayOf(interview), int(interview/time.Hour)%24
		f.plan(k.enumerator, day, begin)
		f.talks[day][hour] = append(f.talks[day][hour], k)
	}
	return nil
}

// interview lets the selected person fill in the pages behind the link of the case, or
// sends the interview of one that was sent back once more, as a tablet does.
func (f *field) interview(ctx context.Context, k *fieldCase) error {
	link := server.CaseLink(f.key, f.home.wave, k.ID, 0)
	if k.back {
		return f.again(ctx, k, path.Base(link))
	}
	f.talking.Add(1)
	defer f.talking.Add(-1)
	// While one person answers a page, the others who are being interviewed answer one, too:
	// each lets its part of the time pass.
	_, err := f.population.Visit(ctx, f.client, f.base+link, f.q, k.person, func(d time.Duration) { f.clock.pass(d / time.Duration(f.talking.Load())) })
	return err
}

// again sends the next revision of an interview.
func (f *field) again(ctx context.Context, k *fieldCase, code string) error {
	iv := k.interview
	iv.Revision++
	iv.Mode = surveys.ModeTablet
	iv.Started, iv.Finished = f.clock.Now().Add(-20*time.Minute), f.clock.Now()
	body, err := json.Marshal(iv)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.base+"/v1/submissions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+code)
	resp, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("the next revision of case %s: %s: %s", k.ID, resp.Status, answer)
	}
	return err
}

// review passes the interviews of the day on the first level and those of the day before on
// the second; one of 33 is sent back, and asked again two days later.
func (f *field) review(ctx context.Context, day int, evening time.Time) error {
	for _, city := range slices.Sorted(maps.Keys(f.teams)) {
		for _, step := range []struct {
			who   string
			state fieldwork.State
		}{{"city-" + city, fieldwork.UnderReview}, {"super-" + city, fieldwork.Submitted}} {
			var deeds []office.Deed
			err := f.st.office.Cases(ctx, f.of[step.who], office.Filter{Wave: f.home.wave, State: string(step.state)}, func(c office.Case) bool {
				e := fieldwork.Event{At: evening, Action: fieldwork.Approve}
				k := f.cases[c.ID]
				if step.state == fieldwork.Submitted && !k.back && demo.Chance(f.Seed, c.ID) < 1.0/33 && day < demo.FieldworkDays-3 {
					e.Action, e.Reason = fieldwork.Reject, "回访核实：部分题目未念完整"
					k.back = true
					f.talks[day+2][18] = append(f.talks[day+2][18], k)
				}
				deeds = append(deeds, office.Deed{Case: c.ID, Event: e})
				return true
			})
			if err != nil {
				return err
			}
			if err := f.do(ctx, map[string][]office.Deed{step.who: deeds}); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish ends the fieldwork: last reviews, back-checks, and the cases without an interview
// are closed.
func (f *field) finish(ctx context.Context) error {
	end := f.start.AddDate(0, 0, demo.FieldworkDays)
	for range 2 { // both levels
		if err := f.review(ctx, demo.FieldworkDays, end); err != nil {
			return err
		}
	}
	for _, city := range slices.Sorted(maps.Keys(f.teams)) {
		super := f.of["super-"+city]
		var deeds []office.Deed
		err := f.st.office.Cases(ctx, super, office.Filter{Wave: f.home.wave}, func(c office.Case) bool {
			if c.Interview == "" {
				deeds = append(deeds, office.Deed{Case: c.ID, Event: fieldwork.Event{At: end, Action: fieldwork.Close, Reason: "调查期结束"}})
			}
			return true
		})
		if err != nil {
			return err
		}
		if err := f.do(ctx, map[string][]office.Deed{super.Login: deeds}); err != nil {
			return err
		}
	}
	return f.checkBack(ctx, end)
}

// checkBack asks about some interviews again; a few are not as they should be.
func (f *field) checkBack(ctx context.Context, at time.Time) error {
	who := f.of["province"]
	if _, err := f.st.office.DrawBackChecks(ctx, who, f.home.wave, int(f.Seed), fieldwork.DefaultBackCheckRule, at); err != nil {
		return err
	}
	list, err := f.st.office.BackChecks(ctx, who, f.home.wave)
	if err != nil {
		return err
	}
	for _, b := range list {
		u := demo.Chance(f.Seed+1, b.Case)
		result := fieldwork.BackCheck{At: at, Reached: u < 0.85, Compared: 6}
		switch {
		case !result.Reached:
			result.Compared = 0
		case u < 0.03:
			result.Faults, result.Differing = []fieldwork.BackCheckFault{fieldwork.OtherAnswers}, 2
		}
		if err := f.st.office.CheckBack(ctx, who, f.home.wave, b.Case, result); err != nil {
			return err
		}
	}
	return nil
}

// everywhere is an account that sees all cases.
var everywhere = auth.Account{Login: "demo", Role: auth.Province}

// outcome prints what the fieldwork came to.
func (d *demonstration) outcome(ctx context.Context) error {
	rates, err := fieldwork.NewRates(fieldwork.ProportionalE())
	if err != nil {
		return err
	}
	if err := d.st.office.Cases(ctx, everywhere, office.Filter{Wave: d.home.wave}, func(c office.Case) bool {
		var code fieldwork.Code
		if code, err = c.Disposition(); err == nil {
			err = rates.Add(fieldwork.CaseResult{Disposition: code, Weight: c.Weight, Stratum: c.Stratum})
		}
		return err == nil
	}); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	all := rates.Tables()[0].Rows[0].Drawn.Unweighted
	var words []any
	for _, r := range []fieldwork.Rate{fieldwork.RR1, fieldwork.RR3, fieldwork.COOP1, fieldwork.REF1, fieldwork.CON1} {
		value, _ := all.Rate(r)
		words = append(words, r, 100*value)
	}
	d.con.say("what came of the cases: %s %.1f %%, %s %.1f %%, %s %.1f %%, %s %.1f %%, %s %.1f %%", words...)
	return d.replayed(ctx)
}

// replayed proves the selections in the households.
func (d *demonstration) replayed(ctx context.Context) error {
	bound, err := d.st.office.Committed(ctx, everywhere, d.home.wave)
	if err != nil {
		return err
	}
	made, err := d.st.office.Evidence(ctx, everywhere, d.home.wave)
	if err != nil {
		return err
	}
	evidence := make([]household.Evidence, len(made))
	for i, e := range made {
		evidence[i] = e.Evidence
	}
	faults := household.Replay(bound, evidence)
	d.con.say("%d selections in households replayed against the numbers committed at the draw: %d faults", len(evidence), len(faults))
	return nil
}

// open gives the accounts that a visitor of the demo may try their password.
func (d *demonstration) open(ctx context.Context, password string) (logins []string, err error) {
	list, err := d.st.office.Accounts(ctx, "")
	if err != nil {
		return nil, err
	}
	seen := map[auth.Role]bool{}
	slices.SortFunc(list, func(a, b auth.Account) int { return cmp.Compare(a.Login, b.Login) })
	for _, a := range list {
		if seen[a.Role] {
			continue
		}
		seen[a.Role] = true
		if err := d.st.office.SetPassword(ctx, a.Login, password, commandLine, time.Now()); err != nil {
			return nil, err
		}
		logins = append(logins, a.Login)
	}
	return logins, nil
}
