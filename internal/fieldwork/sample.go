// Package fieldwork keeps what was drawn and what became of it. So far it reads
// the sample file: every drawn case with its stratum, its PSU and its probability.
package fieldwork

// Case is one drawn unit of a wave, whether or not it responded.
type Case struct {
	ID, Stratum, PSU string
	// Weight is the base weight, the inverse of the product of all stage
	// probabilities. A case with weight 0 only declares its PSU as part of the design.
	Weight float64
	// Columns are the classifications known before the interview, such as city.
	Columns map[string]string
}
