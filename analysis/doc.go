// Package analysis estimates totals, means, proportions and ratios of a population
// from a probability sample, with standard errors that know the design: strata,
// primary sampling units and weights.
//
// Describe the sample once as a Design, sum it into Cells, and ask:
//
//	d, err := analysis.NewDesign(analysis.Columns{Weight: w, Stratum: h, PSU: p})
//	c, err := d.Cells(vars, factors)
//	e, err := c.Proportion("literate", analysis.Domain{"sex": "female"})
//
// The package does no I/O and has no state; it never changes its inputs. Weights
// are made by package weighting.
package analysis
