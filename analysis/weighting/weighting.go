// Package weighting turns selection probabilities into weights that agree with
// known population counts, in steps that each say what they did.
package weighting

// Step is the record of one weighting operation, in a form a report can print.
type Step struct {
	// What names the operation, such as "rake".
	What string
	// N is the number of weights; Sum, Min, Median and Max describe them afterwards.
	N                     int
	Sum, Min, Median, Max float64
	// KishBefore and KishAfter are Kish's design effect of unequal weights, n Σw²/(Σw)².
	KishBefore, KishAfter float64
	Converged             bool
	// Rounds holds the largest relative distance from a margin after each round.
	Rounds  []float64
	Margins []MarginFit
}

// MarginFit compares one category of a margin with its target.
type MarginFit struct {
	Margin, Level         string
	N                     int
	Target, Before, After float64
}
