// Package expr is the expression language of questionnaires: a small, typed subset
// of the Common Expression Language (CEL, https://cel.dev), which decides when a
// question is asked and whether an answer can be right.
//
// Compile checks an expression against the types of the variables and reports
// mistakes with line and column; Program.Eval computes it. What an accepted
// expression means is what it means in CEL. An expression always ends: length, nesting,
// steps and the size of values are limited. XPath writes an expression for ODK forms,
// SQL for ClickHouse.
//
// # Values
//
// There are five kinds of values, and they never mix: 1 + 1.5 is a mistake that
// Compile reports, and 1.0 + 1.5 or double(age) + 1.5 is meant.
//
//	bool      true false
//	int       42 -7 0x2A                 64 bits; leaving them is an error, not a wrap-around
//	double    1.5 .5 1e3                 IEEE 754; 1.0 / 0.0 is infinite
//	string    "浙江" 'it is' "a\tb \u6d59"
//	list      ["tv", "radio"] [1, 2, 3]  all elements of one of the kinds above
//
// Escapes in strings are those of CEL: \n \t \r \a \b \f \v \\ \" \' \` \? and
// \x6A, \u6d59, \U00006d59, \152. A comment runs from // to the end of the line.
//
// # Variables
//
// A variable is the answer to an item, by its ID: age, or a.age, which is the same.
// A variable without an answer is an error of its own kind, ErrNoValue, and
// has(a.age) asks whether there is one.
//
// # Operators
//
// From the tightest to the loosest; operators of one line group from the left.
//
//	a.x  f(x)  x.f(y)  xs[0]   answer, functions, element (counted from 0)
//	-x  !x
//	*  /  %                    7 / 2 is 3, -7 / 2 is -3, -7 % 3 is -1; no % for double
//	+  -                       + also joins strings, and lists
//	==  !=  <  <=  >  >=  in   == compares lists too; "tv" in channels
//	&&
//	||
//	c ? x : y
//
// The operators && and || do not mind an error on one side when the other side
// decides: both has(a.age) && age > 17 and age > 17 && has(a.age) are false, not an
// error, when there is no age.
//
// # Functions
//
//	size(x)                  characters of a string, elements of a list; also x.size()
//	int(x)                   from double (towards zero), from a string of digits
//	double(x)                from int, from a string
//	string(x)                from bool, int, double
//	s.contains(t)  s.startsWith(t)  s.endsWith(t)
//	has(a.NAME)              whether NAME has an answer
//
// # Lists
//
// The macros take each element of a list in turn, under a name that nothing else has.
//
//	xs.exists(x, p)          p holds for some element; as || over the elements
//	xs.all(x, p)             p holds for every element; as && over the elements
//	xs.exists_one(x, p)      p holds for exactly one element
//	xs.filter(x, p)          the elements for which p holds
//	xs.map(x, e)             e for each element
//
// # Left out of CEL
//
// Unsigned numbers, bytes, null, maps, messages, lists of lists, timestamps and
// durations, raw and triple-quoted strings, regular expressions (matches),
// map with a condition, conversion to bool, and !!x and --x.
package expr
