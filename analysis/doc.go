// Package analysis estimates totals, means, proportions and ratios of a population
// from a probability sample, with standard errors that know the design: strata,
// primary sampling units and weights.
//
// Describe the sample once as a Design, sum it into Cells, and ask:
//
//	d, err := analysis.NewDesign(analysis.Columns{Weight: w, Stratum: h, PSU: p})
//	c, err := d.Cells(vars, factors)
//	e, err := c.Proportion("literate", analysis.Domain{"sex": "female"})
//	groups, err := c.MeanBy("score", nil, "city")
//
// A Stage describes a selection with finite populations or unequal chances, SecondPhase
// a subsample, Calibration what the weights were raked to, and Settings.LonePSU what
// a stratum with one PSU adds:
//
//	d, err := analysis.NewDesign(analysis.Columns{Weight: w, Stages: []analysis.Stage{
//		{Stratum: h, Unit: village, Population: villages},
//		{Unit: household, Population: households},
//	}})
//
// Cells may as well come from a database that grouped by PSU and factors. Weights are
// made by package weighting; when they were raked, Cells.Margins and Cell.Base let the
// standard errors profit from it.
//
// The package does no I/O and has no state; it never changes its inputs, and the same
// input gives the same bits on any number of cores. Its numbers agree with R's survey
// package wherever package conformance has a case: closed forms to 1e-9, and to 1e-8
// where R finds the interval of a proportion by iterating a model.
package analysis
