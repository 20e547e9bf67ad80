package analysis

// Estimate is a number about a population together with what is needed to trust
// it. A field that does not exist for this estimate is NaN, never zero.
type Estimate struct {
	Value float64
	// SE is the design-based standard error.
	SE float64
	// Lo and Hi bound the interval of confidence Level (0.95 unless set otherwise).
	Lo, Hi, Level float64
	// DF is the degrees of freedom the interval used.
	DF float64
	// N is how many respondents the estimate rests on: rows of the domain with a
	// value, unweighted.
	N int
	// Weighted is the sum of their weights: the estimated size of the population.
	Weighted float64
	// DEff is the design effect against simple random sampling with replacement;
	// DEffWOR is that without, with the sum of the weights as the size of the population.
	DEff, DEffWOR float64
	Notes         []Note
}

// Note is a fact that the reader of an estimate must know. It is made where the
// fact is known and travels with the estimate to the page.
type Note struct {
	Code NoteCode
	// Subject is what the note is about, such as a stratum's name; may be empty.
	Subject string
	// Value is the number in the note, such as the count of respondents; 0 if none.
	Value float64
}

// NoteCode says what kind of fact a note holds. The codes are exported as they are.
type NoteCode string

// The notes an estimate can carry, with what Subject and Value hold.
const (
	FewRespondents NoteCode = "few-respondents" // N below Settings.FewRespondents; Value is N
	FewPSUs        NoteCode = "few-psus"        // df below Settings.FewDF; Value is df
	LonePSU        NoteCode = "lone-psu"        // strata with one PSU; Subject names them, Value counts them
	MergedStrata   NoteCode = "merged-strata"   // strata merged for lone PSUs; Subject names them, Value counts the groups
	LargeWeights   NoteCode = "large-weights"   // Kish's weight effect (Value) above Settings.LargeWeights
	WideInterval   NoteCode = "wide-interval"   // interval wider than Settings allow; Value is the width judged
	NoVariation    NoteCode = "no-variation"    // everybody gave the same answer: p (Value) is 0 or 1
	ZeroVariance   NoteCode = "zero-variance"   // SE is 0 though answers differ: all are in the sample, or no PSU differs; the interval has no width
	NotConverged   NoteCode = "not-converged"   // the weights did not reach their margins; Value is the distance
	Empty          NoteCode = "empty"           // nobody in the domain
	LostReplicates NoteCode = "lost-replicates" // Value replicates in which the estimate does not exist; they are left out
	Suppress       NoteCode = "suppress"        // the presentation standard forbids to show it; Value is the width judged
	Review         NoteCode = "review"          // the presentation standard asks for a look; Subject says why
)
