package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// deskProgress is web/pages/desk-progress: how far fieldwork is, by area, day and
// enumerator, against the plan.
type deskProgress struct {
	figuresFrame
	From, To string
	Facts    []fact
	Areas    deskTable
	AreaBars chart
	Days     deskTable
	DayLines chart
	Staff    deskTable
}

// workload counts what became of cases so far.
type workload struct {
	Cases, Tried, NoContact, Refused, Waiting, Approved, Done int
	Attempts                                                  int
}

// add counts the cases of a tally.
func (w *workload) add(t office.Tally) error {
	class, err := t.Disposition.Class()
	if err != nil {
		return err
	}
	n := t.Cases
	w.Cases += n
	if t.Disposition != fieldwork.NotAttempted {
		w.Tried += n
		switch class {
		case fieldwork.ClassNC, fieldwork.ClassUH, fieldwork.ClassUO:
			w.NoContact += n
		case fieldwork.ClassR:
			w.Refused += n
		}
	}
	switch t.State {
	case fieldwork.Submitted, fieldwork.UnderReview:
		w.Waiting += n
	case fieldwork.Approved:
		w.Approved += n
	}
	if t.State.Done() {
		w.Done += n
	}
	return nil
}

// fieldPlan is the plan of fieldwork: all cases done, evenly from the first to the last
// day. The zero plan is none.
type fieldPlan struct{ from, to time.Time }

func (p fieldPlan) known() bool { return !p.from.IsZero() && p.to.After(p.from) }

// share is the share of the cases that should be done at the end of a day: days since the
// beginning, this one included, of all days, from 0 to 1.
func (p fieldPlan) share(day time.Time) float64 {
	if !p.known() {
		return 0
	}
	days := func(t time.Time) float64 { return t.Sub(p.from).Hours()/24 + 1 }
	return min(1, max(0, days(day)/days(p.to)))
}

// planOf is the plan of a wave: what the address says, or the wave, or else from the day of
// its first event to the last day on which its form is valid.
func (d *desk) planOf(v *call, f *figuresFrame, days []office.Daily) fieldPlan {
	p := fieldPlan{f.date(v, "from"), f.date(v, "to")}
	if p.from.IsZero() {
		p.from = f.wave.FirstDay
	}
	if p.to.IsZero() {
		p.to = f.wave.LastDay
	}
	if p.from.IsZero() && len(days) > 0 {
		p.from, _ = time.ParseInLocation(time.DateOnly, days[0].Day, surveys.ChinaTime) // the office's own days
	}
	if p.to.IsZero() && !f.wave.expires.IsZero() {
		p.to = f.wave.expires.AddDate(0, 0, -1)
	}
	if !f.Failed && !p.from.IsZero() && !p.to.IsZero() && !p.known() {
		f.fault(f.say.words("figures.badplan", "from", p.from.Format(time.DateOnly), "to", p.to.Format(time.DateOnly)))
	}
	return p
}

func (d *desk) progress(v *call) error {
	f, err := d.figures(v, "figures.progress")
	if err != nil {
		return err
	}
	ctx, area := v.Request().Context(), f.scope(v)
	var all workload
	areas, staff := map[string]workload{}, map[string]workload{}
	err = d.office.Tallies(ctx, v.account, f.wave.ID, area, func(t office.Tally) {
		w, s := areas[part(t.Area, area)], staff[t.Enumerator]
		err = cmp.Or(err, all.add(t), w.add(t), s.add(t))
		areas[part(t.Area, area)], staff[t.Enumerator] = w, s
	})
	if err != nil {
		return err
	}
	days, err := d.office.Days(ctx, v.account, f.wave.ID, "")
	if err != nil {
		return err
	}
	plan := d.planOf(v, &f, days)
	days = slices.DeleteFunc(days, func(x office.Daily) bool { return !strings.HasPrefix(x.Area, area) })
	for _, x := range days {
		s := staff[x.Enumerator]
		s.Attempts += x.Attempts
		staff[x.Enumerator] = s
		all.Attempts += x.Attempts
	}
	today := midnight(d.deps.Now())
	p := deskProgress{figuresFrame: f, Facts: f.progressFacts(all, plan, today)}
	p.From, p.To = dateText(plan.from), dateText(plan.to)
	if p.Areas, p.AreaBars, err = d.areaTable(f, area, areas, plan.share(today), plan.known()); err != nil {
		return err
	}
	if p.Days, p.DayLines, err = d.dayTable(f, days, all, plan, today); err != nil {
		return err
	}
	if p.Staff, err = d.staffTable(f, staff); err != nil {
		return err
	}
	return d.showFigures(v, f, "desk-progress", p, p.Areas, p.Days, p.Staff)
}

// midnight is the beginning of a day in China.
func midnight(t time.Time) time.Time {
	y, m, day := t.In(surveys.ChinaTime).Date()
	return time.Date(y, m, day, 0, 0, 0, 0, surveys.ChinaTime)
}

func dateText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// progressFacts are the numbers above everything.
func (f figuresFrame) progressFacts(all workload, plan fieldPlan, today time.Time) []fact {
	facts := []fact{
		{f.say.words("figures.asof"), today.Format(time.DateOnly)},
		{f.say.words("figures.cases"), show.Count(all.Cases)},
		{f.say.words("figures.done"), ofAll(all.Done, all.Cases)},
		{f.say.words("figures.approved"), ofAll(all.Approved, all.Cases)},
	}
	if !plan.known() {
		return append(facts, fact{f.say.words("figures.plan"), f.say.words("figures.noplan")})
	}
	return append(facts,
		fact{f.say.words("figures.plan"), dateText(plan.from) + " – " + dateText(plan.to)},
		fact{f.say.words("figures.expected"), ofAll(expected(all.Cases, plan.share(today)), all.Cases)})
}

// ofAll is a number with its share of all.
func ofAll(n, all int) string {
	share, known := shareOf(n, all)
	if !known {
		return show.Count(n)
	}
	return fmt.Sprintf("%s (%s)", show.Count(n), show.Percent(share, 1))
}

// expected is the number of cases that should be done.
func expected(cases int, share float64) int { return int(share*float64(cases) + 0.5) }

// areaTable lists the parts of the area, and draws how much of each is done.
func (d *desk) areaTable(f figuresFrame, scope string, areas map[string]workload, planned float64, known bool) (deskTable, chart, error) {
	columns := []string{"figures.area", "#figures.cases", "#figures.tried", "#figures.nocontact", "#figures.refused", "#figures.waiting", "#figures.approved", "#figures.done"}
	if known {
		columns = append(columns, "#figures.expected")
	}
	t, err := d.table(f.deskFrame, "areas", "figures.byarea", append(columns, "#figures.share")...)
	if err != nil {
		return t, chart{}, err
	}
	c := chart{ID: "area-bars", Title: f.say.words("figures.bars"), Legend: []chartKey{{"done", f.say.words("figures.done")}}}
	mark := -1.0
	if known {
		mark, c.Legend = planned, append(c.Legend, chartKey{"plan", f.say.words("figures.expected")})
	}
	behind := 0
	for _, code := range slices.Sorted(maps.Keys(areas)) {
		w := areas[code]
		name := deskCell{Text: f.areaLabel(code)}
		if len(code) == 4 && len(scope) < 4 {
			name.Href = f.with("area", code, "download", "", "sort", "")
		}
		share, _ := shareOf(w.Done, w.Cases)
		cells := []deskCell{name, whole(w.Cases), whole(w.Tried), whole(w.NoContact), whole(w.Refused), whole(w.Waiting), whole(w.Approved), whole(w.Done)}
		if known {
			cells = append(cells, whole(expected(w.Cases, planned)))
		}
		bar := percent(share, true)
		bar.Bar = true
		t.add(append(cells, bar)...)
		c.bar(name.Text, fmt.Sprintf("%d / %d", w.Done, w.Cases), share, mark)
		if share < planned {
			behind++
		}
	}
	c.Finding = f.say.words("figures.areasdone", "areas", len(areas))
	if known {
		c.Finding = f.say.words("figures.areasbehind", "areas", len(areas), "behind", behind)
	}
	return t, c, t.arrange(f.deskFrame)
}

// staffTable lists the enumerators.
func (d *desk) staffTable(f figuresFrame, staff map[string]workload) (deskTable, error) {
	t, err := d.table(f.deskFrame, "enumerators", "figures.bystaff", "figures.enumerator", "#figures.cases", "#figures.tried", "#figures.attempts",
		"#figures.nocontact", "#figures.refused", "#figures.waiting", "#figures.approved", "#figures.done", "#figures.share")
	if err != nil {
		return t, err
	}
	for _, login := range slices.Sorted(maps.Keys(staff)) {
		w := staff[login]
		share := percent(shareOf(w.Done, w.Cases))
		share.Bar = w.Cases > 0
		t.add(f.staffCell(login), whole(w.Cases), whole(w.Tried), whole(w.Attempts), whole(w.NoContact), whole(w.Refused), whole(w.Waiting), whole(w.Approved), whole(w.Done), share)
	}
	return t, t.arrange(f.deskFrame)
}

// staffCell names an enumerator, or says that nobody has the cases.
func (f figuresFrame) staffCell(login string) deskCell {
	if login == "" {
		return deskCell{Text: f.say.words("figures.nobody")}
	}
	return deskCell{Text: login}
}

// daySum is what happened on a day, and what had come together by its end.
type daySum struct {
	day                                                time.Time
	attempts, done, interviews, passed, allDone, allOK int
}

// daySums puts the days of all areas and enumerators together, in order.
func daySums(days []office.Daily) []daySum {
	var sums []daySum
	for _, x := range days { // which are in order
		day, err := time.ParseInLocation(time.DateOnly, x.Day, surveys.ChinaTime)
		if err != nil {
			continue // no day of ours
		}
		if n := len(sums); n == 0 || !sums[n-1].day.Equal(day) {
			sums = append(sums, daySum{day: day})
		}
		s := &sums[len(sums)-1]
		s.attempts, s.done, s.interviews, s.passed = s.attempts+x.Attempts, s.done+x.Done, s.interviews+x.Interviews, s.passed+x.Passed
	}
	done, ok := 0, 0
	for i := range sums {
		done, ok = done+sums[i].done, ok+sums[i].passed
		sums[i].allDone, sums[i].allOK = done, ok
	}
	return sums
}

// dayTable lists the days, and draws the line of what is done against the plan's.
func (d *desk) dayTable(f figuresFrame, days []office.Daily, all workload, plan fieldPlan, today time.Time) (deskTable, chart, error) {
	columns := []string{"figures.day", "#figures.attempts", "#figures.interviews", "#figures.approvals", "#figures.finished", "#figures.alldone", "#figures.allapproved"}
	if plan.known() {
		columns = append(columns, "#figures.expected")
	}
	t, err := d.table(f.deskFrame, "days", "figures.byday", columns...)
	if err != nil {
		return t, chart{}, err
	}
	t.Notes = []string{f.say.words("figures.net")}
	sums := daySums(days)
	for _, s := range sums {
		cells := []deskCell{{Text: s.day.Format(time.DateOnly)}, whole(s.attempts), whole(s.interviews), whole(s.passed), whole(s.done), whole(s.allDone), whole(s.allOK)}
		if plan.known() {
			cells = append(cells, whole(expected(all.Cases, plan.share(s.day))))
		}
		t.add(cells...)
	}
	return t, f.dayLines(sums, all, plan, today), t.arrange(f.deskFrame)
}

// dayLines draws what is done and approved by day.
func (f figuresFrame) dayLines(sums []daySum, all workload, plan fieldPlan, today time.Time) chart {
	const top, height, left = 18.0, 150.0, 0.0
	c := chart{ID: "day-lines", Title: f.say.words("figures.lines"), Height: top + height + 20,
		Finding: f.say.words("figures.donenow", "done", all.Done, "approved", all.Approved, "cases", all.Cases)}
	first, last := plan.from, plan.to
	if !plan.known() {
		first, last = today, today
	}
	if len(sums) > 0 && sums[0].day.Before(first) {
		first = sums[0].day
	}
	if today.After(last) {
		last = today
	}
	first = first.AddDate(0, 0, -1) // the evening before the first day, when nothing is done
	x := func(t time.Time) float64 {
		return left + (chartWidth-left)*t.Sub(first).Hours()/last.Sub(first).Hours()
	}
	y := func(n int) float64 { return top + height*(1-float64(max(n, 0))/float64(max(all.Cases, 1))) }
	c.line("axis", [][2]float64{{left, top}, {left, top + height}, {chartWidth, top + height}})
	if plan.known() {
		c.line("plan", [][2]float64{{x(plan.from.AddDate(0, 0, -1)), y(0)}, {x(plan.to), y(all.Cases)}})
		c.Finding = f.say.words("figures.doneplan", "done", all.Done, "approved", all.Approved, "cases", all.Cases, "expected", expected(all.Cases, plan.share(today)))
	}
	done, ok := [][2]float64{{x(first), y(0)}}, [][2]float64{{x(first), y(0)}}
	for i, s := range sums {
		was, wasOK := 0, 0
		if i > 0 {
			was, wasOK = sums[i-1].allDone, sums[i-1].allOK
		}
		before := x(s.day.AddDate(0, 0, -1))
		done, ok = append(done, [2]float64{before, y(was)}, [2]float64{x(s.day), y(s.allDone)}), append(ok, [2]float64{before, y(wasOK)}, [2]float64{x(s.day), y(s.allOK)})
	}
	if n := len(sums); n > 0 && today.After(sums[n-1].day) {
		done, ok = append(done, [2]float64{x(today), y(sums[n-1].allDone)}), append(ok, [2]float64{x(today), y(sums[n-1].allOK)})
	}
	c.line("ok", ok)
	c.line("done", done)
	c.Labels = []chartLabel{{left, 12, "start", show.Count(all.Cases)}, {left, c.Height - 4, "start", first.AddDate(0, 0, 1).Format(time.DateOnly)}, {chartWidth, c.Height - 4, "end", last.Format(time.DateOnly)}}
	c.Legend = []chartKey{{"done", f.say.words("figures.done")}, {"ok", f.say.words("figures.approved")}}
	if plan.known() {
		c.Legend = append(c.Legend, chartKey{"plan", f.say.words("figures.expected")})
	}
	return c
}
