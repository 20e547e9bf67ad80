// Package conformance holds the numbers that package analysis must give, and the test
// that it gives them.
//
// The test reads every *.json of testdata/oracles. Each file is one data set with many
// cases: a design, an estimator and the number that R's survey package, or a hand
// calculation, gives for it, with the tolerance of that case. The format is described in
// testdata/SOURCES.md together with the origin and the licence of the data.
//
//	go test ./analysis/conformance -run TestOracles -v
//
// ends with a table of the kinds of cases: how many there are, how many passed, and the
// worst relative error. SUYANG_ORACLES=DIR reads the cases of another folder in the same
// format, and SUYANG_DATA=DIR looks for data in another folder first; data that may not
// be passed on are found only there, and their cases are counted as absent without it.
//
// A case whose kind or design is not supported fails, unless testdata/later.txt lists it
// with the reason. A number that we believe to be wrong is listed in
// testdata/exceptions.txt, with the argument and with how far from it ours may be, so
// that a change of ours is still seen. Both lists are held to the truth: a line all of
// whose cases pass is a failure of the test.
package conformance
