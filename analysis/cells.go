package analysis

// A Factor is a classification of people with named levels, such as sex or city.
type Factor struct {
	ID     string
	Levels []string
}

// PSU is a primary sampling unit of the design, named within its stratum.
type PSU struct {
	Stratum, Name string
}

// Cells are sufficient statistics: sums by PSU and by every crossing of the
// factors that occurs. All estimators of this package work on them, so it does not
// matter whether they were summed in memory or by a database.
//
// The list of PSUs is the whole design: a PSU in which nobody belongs to a domain
// still counts there, as zero.
type Cells struct {
	PSUs      []PSU
	Factors   []Factor
	Variables []string
	Rows      []Cell
	Settings  Settings
}

// Cell is what one PSU contributes to one crossing of factor levels.
type Cell struct {
	// PSU is an index into Cells.PSUs.
	PSU int
	// Levels has one index for each factor into Factor.Levels; -1 is missing.
	Levels []int
	// N, W and W2 are the count, Σw and Σw² of all respondents of the cell.
	N     int
	W, W2 float64
	// Sums has the statistics of each variable, over respondents with a value.
	Sums []Sum
}

// Sum holds the statistics of one variable in one cell: the number of people with
// a value, Σw, Σw², Σwy and Σwy².
type Sum struct {
	N              int
	W, W2, WY, WY2 float64
}

// Domain is a set of people to estimate for. It selects; the design stays whole.
// People are in the domain when each named factor has the given level; the empty
// domain is everybody.
type Domain map[string]string

// Settings are the choices that change a number or its notes. The zero value of a
// field means the value of DefaultSettings.
type Settings struct {
	// Level is the confidence of intervals.
	Level float64
	// LonePSU says what a stratum with a single PSU contributes to the variance.
	LonePSU LonePSURule
	// FewRespondents, FewDF, LargeWeights and WideInterval are the thresholds of notes.
	FewRespondents int
	FewDF          float64
	LargeWeights   float64
	WideInterval   float64
}

// LonePSURule is what a stratum with one PSU contributes to a variance.
type LonePSURule string

// The rules for lone PSUs (as survey.lonely.psu in R).
const (
	LoneFail      LonePSURule = "fail"      // an error that names the strata
	LoneCertainty LonePSURule = "certainty" // nothing
	LoneAdjust    LonePSURule = "adjust"    // centred at the mean of all PSU totals
	LoneAverage   LonePSURule = "average"   // the mean of the other strata
)
