// Package sampling plans samples and draws them: how many units, how they are shared
// among strata, with which probabilities, and which ones. It is mathematics only; files
// and places are left to others.
//
// The usual order:
//
//	shares, err := sampling.Allocate(300, sampling.RootScores(people), limits)
//	counts := sampling.Round(shares)
//	chances, err := sampling.Inclusion(size, counts[h]) // certainty units have 1
//	drawn, err := sampling.Sampford(rng, chances)       // indices in ascending order
//
// Every draw takes its source of random numbers, and the same source gives the same
// units. Joint inclusion probabilities are offered for simple random sampling and for
// Sampford's method; the systematic methods have pairs that can never be drawn
// together, and those of Brewer's method are not offered: use analysis.PPSBrewer, which
// needs none.
package sampling
