package quality

import (
	"errors"
	"math"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Place is a point with what belongs to it. Latitude and longitude are degrees in WGS-84.
// Positions from Chinese map services are in GCJ-02, some hundred metres off, and must be
// turned into WGS-84 first.
type Place struct {
	Latitude, Longitude float64
	// Radius is how far the drawn unit reaches, in metres: 0 for an address, that of a
	// village for a village.
	Radius float64
	// Known tells a place from none: 0°, 0° is what a device without a fix says.
	Known bool
}

// Fix is where a device says that it was during the interview.
type Fix struct {
	Place
	// Accuracy is the radius in metres in which it is with a probability of 68 %, as
	// Android gives it; 0 is not known.
	Accuracy float64
	// Mocked is set when the device says that a program made the position up.
	Mocked bool
}

// DistanceRule is the rule of FarAway.
type DistanceRule struct {
	// Metres is how far beyond the drawn place, its radius and the error of the fix is too
	// far.
	Metres float64
	// Accuracies is how many times the stated accuracy is taken off the distance.
	Accuracies float64
	// Worst is the accuracy in metres from which on a fix says nothing.
	Worst float64
}

// DefaultDistance lets 300 m pass, as far as one walks for a quiet place or a signal. When
// the error of a fix is circular normal and its accuracy the 68 % radius, 2.5 times the
// accuracy holds 99.9 % of the fixes: √(ln 0.001 / ln 0.32) = 2.46.
func DefaultDistance() DistanceRule { return DistanceRule{Metres: 300, Accuracies: 2.5, Worst: 1000} }

func (r DistanceRule) check() error {
	return errors.Join(within("Distance.Metres", r.Metres, 0, 1e6), within("Distance.Accuracies", r.Accuracies, 0, 10),
		within("Distance.Worst", r.Worst, 1, 1e6))
}

// The reasons of FarAway.
const (
	whyNoFix      Why = "no-fix"
	whyNoPlace    Why = "no-place"
	whyNoAccuracy Why = "no-accuracy"
	whyInaccurate Why = "inaccurate"
	whyNotThere   Why = "self-completed"
	byMock        Why = "mocked"
)

// Far judges where an interview took place. Value is the distance in metres to the drawn
// place, and Threshold Metres + the place's radius + Accuracies × accuracy; beyond it is
// flagged, and so is a position that the device calls mocked, whatever it is. N is 1.
func (r DistanceRule) Far(fix Fix, drawn Place) Finding {
	f := Finding{Flag: FarAway}
	d, bound := Metres(fix.Place, drawn), r.Metres+drawn.Radius+r.Accuracies*fix.Accuracy
	switch {
	case fix.Mocked:
		f.Why = byMock
		if !fix.valid() || !drawn.valid() || !(fix.Accuracy > 0) {
			d, bound = 0, 0
		}
		return f.judge(d, bound, true, 1)
	case !fix.valid():
		return f.cannot(whyNoFix, 0)
	case !drawn.valid():
		return f.cannot(whyNoPlace, 0)
	case !(fix.Accuracy > 0):
		return f.cannot(whyNoAccuracy, 0)
	case fix.Accuracy > r.Worst:
		return f.cannot(whyInaccurate, 0)
	}
	return f.judge(d, bound, d > bound, 1)
}

func (p Place) valid() bool {
	return p.Known && math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180 && p.Radius >= 0
}

// Metres is the distance of two places on a sphere of 6,371,008.8 m, the mean radius of
// WGS-84, by the haversine formula (Sinnott 1984, Sky and Telescope 68); the earth's shape
// makes it wrong by up to 0.6 %.
func Metres(a, b Place) float64 {
	const radius, degree = 6371008.8, math.Pi / 180
	s := math.Sin((b.Latitude - a.Latitude) * degree / 2)
	t := math.Sin((b.Longitude - a.Longitude) * degree / 2)
	h := s*s + math.Cos(a.Latitude*degree)*math.Cos(b.Latitude*degree)*t*t
	return 2 * radius * math.Asin(math.Sqrt(min(1, h)))
}

// FarAway asks Far about every interview that an enumerator did. Who answers alone may be
// anywhere.
func (w *Wave) FarAway(r DistanceRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return w.atTheDoor(FarAway, func(x row) Finding { return r.Far(x.fix, x.drawn) }), nil
}

// atTheDoor judges the interviews that an enumerator did, on a tablet or on paper.
func (w *Wave) atTheDoor(flag Flag, judge func(row) Finding) []Finding {
	out := make([]Finding, len(w.rows))
	for i, x := range w.rows {
		f := w.finding(flag, i).cannot(whyNotThere, 0)
		if x.mode == surveys.ModeTablet || x.mode == surveys.ModePaper {
			f = judge(x)
			f.Interview, f.Case, f.Enumerator = x.id, x.caseID, x.enumerator
		}
		out[i] = f
	}
	return out
}

// NightRule is the rule of Night.
type NightRule struct {
	// From and To are minutes after midnight between which nobody visits, over midnight.
	From, To int
	// Minutes is how long an interview that began before may reach into that time.
	Minutes float64
	// Location is the clock of the place; nil is Beijing time. Xinjiang rises two hours
	// later.
	Location *time.Location
}

// Beijing is the time of all of China, without summer time.
var Beijing = time.FixedZone("UTC+8", 8*60*60)

// DefaultNight calls 22:00 to 07:00 night and lets an interview end 15 minutes into it.
func DefaultNight() NightRule { return NightRule{From: 22 * 60, To: 7 * 60, Minutes: 15} }

func (r NightRule) check() error {
	return errors.Join(within("Night.From", float64(r.From), 0, 1439), within("Night.To", float64(r.To), 0, 1439),
		within("Night.Minutes", r.Minutes, 0, 1440))
}

// The reasons of Night.
const (
	whyNoTime   Why = "no-time"
	whyBackward Why = "backward"
	whyLong     Why = "long"
	whyNoVisit  Why = "no-visit"
	byVisit     Why = "visit"
)

// Between judges when an interview took place. Value is the minutes of it that lie in the
// night by the clock of the place; more than Threshold is flagged, which is Minutes, and 0
// for an interview that begins in the night. N is 1. An interview of
// more than twelve hours was put aside and taken up again: when, nobody knows.
func (r NightRule) Between(started, finished time.Time) Finding {
	f := Finding{Flag: Night}
	location := r.location()
	switch took := finished.Sub(started); {
	case started.IsZero() || finished.IsZero():
		return f.cannot(whyNoTime, 0)
	case took < 0:
		return f.cannot(whyBackward, 0)
	case took > 12*time.Hour:
		return f.cannot(whyLong, 0)
	}
	begin := started.In(location)
	midnight := time.Date(begin.Year(), begin.Month(), begin.Day(), 0, 0, 0, 0, location)
	from, long := time.Duration(r.From)*time.Minute, time.Duration((r.To-r.From+1440)%1440)*time.Minute
	value, bound := 0.0, r.Minutes
	for day := -1; day <= 1; day++ {
		night := midnight.AddDate(0, 0, day).Add(from)
		value += max(0, min(finished.Sub(night), long)-max(0, started.Sub(night))).Minutes()
		if since := started.Sub(night); since >= 0 && since < long {
			bound = 0
		}
	}
	return f.judge(value, bound, value > bound, 1)
}

// At judges when a visit was of which only the beginning is known. Value is how many minutes
// of the night had passed then, and Threshold 0; it is flagged when it lies in the night,
// also at 0, and Why says so. N is 1.
func (r NightRule) At(visit time.Time) Finding {
	f := Finding{Flag: Night}
	if visit.IsZero() {
		return f.cannot(whyNoVisit, 0)
	}
	const day = 24 * 60
	clock := visit.In(r.location())
	since := (clock.Hour()*60 + clock.Minute() - r.From + day) % day
	if since >= (r.To-r.From+day)%day {
		return f.judge(0, 0, false, 1)
	}
	f.Why = byVisit
	return f.judge(float64(since), 0, true, 1)
}

// location is the clock of the place.
func (r NightRule) location() *time.Location {
	if r.Location == nil {
		return Beijing
	}
	return r.Location
}

// Night asks Between about every interview that an enumerator did on a tablet, and At about
// the visit of those on paper, whose own times are those of typing in. Who answers alone may
// do so at any hour.
func (w *Wave) Night(r NightRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return w.atTheDoor(Night, func(x row) Finding {
		if x.mode == surveys.ModePaper {
			return r.At(x.visited)
		}
		return r.Between(x.started, x.finished)
	}), nil
}
