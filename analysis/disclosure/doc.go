// Package disclosure keeps published tables from telling what they should not: what a
// few people answered, or what one person is.
//
// Give it everything that is printed together as one [Publication]: the cells of all
// tables, each known by its key. From the keys, the dimensions and the groups it derives
// every sum that a reader can do. [Protect] finds the sensitive cells and hides others
// with them, so that no sum gives them away:
//
//	result, err := disclosure.Protect(publication, disclosure.DefaultRules())
//	if s, hidden := result.Suppressed(analysis.Domain{"city": "Lishui", "sex": "female"}); hidden {
//		estimate.Notes = append(estimate.Notes, s.Note())
//	}
//
// For a page where readers choose the cells themselves, a [Guard] decides on all of
// them beforehand, so that the answer depends neither on who asks nor on what was asked
// before. [Round] and [RoundTable] are another way out for counts. [Attack] is the
// reader who tries: linear algebra and linear programmes, on any pattern of hidden cells.
//
// Where weights are known, [ProtectInSteps] hides the same cells for two weightings of the same
// people as far as that is safe, and [SamePeople] finds the cells that are one group under two
// names. What was hidden in a publication before is marked with the reason [Before].
//
// # How cells are hidden
//
// A table with sums is protected when other tables have the same printed numbers. Take
// somebody out of one group and put them into another, and do the reverse elsewhere: the
// margins stay. Such an exchange, of respondents who differ in up to as many dimensions
// as the sensitive cell has, changes 2^d cells of a table; hide those, and the reader
// cannot tell the real table from the other. The smallest such box around a sensitive
// cell is searched that makes it uncertain enough and costs least; several are combined
// where one does not suffice. This is the hypercube method (Repsilber 1999, Das
// Quaderverfahren, Forum der Bundesstatistik 31), with exchanges
// of respondents in place of boxes of cells, so that one holds in all linked tables,
// groups and cumulative levels at once, and with room counted for each outcome: a rate
// and its n give the number of respondents behind it.
//
// The other table is itself the proof: it has no negative number, fulfils every sum and
// agrees with everything printed. Hiding more never makes it impossible. So the
// protection does not rest on an optimiser having converged. It is not the smallest
// possible pattern; finding that is a hard problem (Fischetti and Salazar 2001,
// Management Science 47: 1008–1027).
//
// # What it promises
//
// No I/O, no state, no random numbers; the input is not changed; the order of cells does
// not matter. The grand total is never hidden.
package disclosure
