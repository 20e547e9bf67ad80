package expr

// op is what a node of the syntax tree does.
type op uint8

const (
	opLiteral op = iota
	opVar        // name
	opLocal      // the variable of a macro around
	opHas        // has(a.name)
	opList       // [args...]
	opNeg
	opNot
	opAnd // any number of args
	opOr  // any number of args
	opCond
	opAdd
	opSub
	opMul
	opDiv
	opRem
	opEq
	opNe
	opLt
	opLe
	opGt
	opGe
	opIn
	opIndex
	opSize
	opInt
	opDouble
	opString
	opContains
	opStartsWith
	opEndsWith
	// The macros have two arguments: the list, and what is done with each element.
	opAll
	opExists
	opExistsOne
	opFilter
	opMap
)

// node is a node of the syntax tree. The checker fills in typ and noValue.
type node struct {
	op   op
	typ  Type
	pos  int    // byte offset of the operator, or of the beginning
	text string // the operator or function as written; the name of a variable
	val  Value  // of a literal
	args []*node

	// field says that a variable was written a.NAME.
	field bool
	// noValue is the error of a variable without an answer, made once.
	noValue *Error
	// local is the name a macro gives to the element.
	local string
	// slot is the place of that element among those of the macros around, of opLocal
	// and of macros.
	slot int
	// of is the type of the variable that opHas asks about.
	of Type
}

// walk calls visit for n and every node below, in the order of the source.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, a := range n.args {
		a.walk(visit)
	}
}

// binaryOps are the operators with two operands by their level, loosest first. The
// operators && and || are apart because they take any number.
var binaryOps = []map[string]op{
	{"==": opEq, "!=": opNe, "<": opLt, "<=": opLe, ">": opGt, ">=": opGe, "in": opIn},
	{"+": opAdd, "-": opSub},
	{"*": opMul, "/": opDiv, "%": opRem},
}

// functions are the functions written f(x).
var functions = map[string]op{
	"size": opSize, "int": opInt, "double": opDouble, "string": opString,
}

// methods are the functions written x.f(y).
var methods = map[string]op{
	"size": opSize, "contains": opContains, "startsWith": opStartsWith, "endsWith": opEndsWith,
}

// macros are written xs.f(x, …), where … is computed for each element x of xs.
var macros = map[string]op{
	"all": opAll, "exists": opExists, "exists_one": opExistsOne, "filter": opFilter, "map": opMap,
}

// leftOut are the functions and macros of CEL that this language does not have.
var leftOut = map[string]bool{
	"matches":   true,
	"timestamp": true, "duration": true, "bool": true, "uint": true, "bytes": true, "dyn": true,
	"type": true,
}

// reserved are the words that CEL keeps for itself; no variable can be called so.
var reserved = map[string]bool{
	"as": true, "break": true, "const": true, "continue": true, "else": true, "for": true,
	"function": true, "if": true, "import": true, "let": true, "loop": true, "package": true,
	"namespace": true, "return": true, "var": true, "void": true, "while": true,
	"in": true, "true": true, "false": true, "null": true,
	// Names of types, which CEL takes for values.
	"bool": true, "int": true, "uint": true, "double": true, "string": true, "bytes": true,
	"list": true, "map": true, "type": true, "null_type": true, "optional_type": true,
	// The record of all answers.
	record: true,
}

// record is the name of the record that holds all answers.
const record = "a"

// IsName reports whether s can be the name of a variable: a letter or _, then
// letters, digits and _, and not a word of the language.
func IsName(s string) bool {
	if s == "" || !isLetter(s[0]) || reserved[s] {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isLetter(s[i]) && !isDigit(s[i]) {
			return false
		}
	}
	return true
}
