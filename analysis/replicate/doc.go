// Package replicate estimates with replicate weights: the sample is weighted again many
// times as if it had been drawn again, and the variance of an estimate is the spread of
// its replicates. It holds for any statistic, and counts whatever is done to the weights
// when that is done again in every replicate.
//
// Make a Set from a design or its cells, or Import the one that came with the data, put
// it on the sample, and ask as in package analysis:
//
//	set, err := replicate.Bootstrap(cells, 1000, 20261125)
//	c, err := set.OnCells(cells)
//	c, step, err := c.Rake(margins, weighting.Settings{}) // every replicate, to the same margins
//	e, err := c.Mean("score", analysis.Domain{"sex": "female"})
//
// Cells are the fast way: replicates multiply sums by PSU, or sums by PSU and crossing of
// the margins, so that weights by row are never made. A Sample estimates from rows what
// cells cannot hold, such as quantiles and models, with the weights of one replicate at
// a time; Sample.Weights gives them out.
//
// A Set never changes, and the same input and seed give the same bits on any number of
// cores.
package replicate
