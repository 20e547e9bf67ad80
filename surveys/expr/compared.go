package expr

// A Comparison is a place where an expression holds the answer to a variable against a
// text: sex == "m", "tv" in channels, sex in ["m", "f"], channels.exists(c, c == "tv").
type Comparison struct {
	Name string // of the variable
	Text string
	// Unequal says that the answer must be something else: sex != "m".
	Unequal bool

	src string
	pos int // of the text
}

// Error is an error at the text, for rules that this package does not know.
func (c Comparison) Error(msg string) *Error { return errorAt(c.src, c.pos, nil, msg) }

// Compared returns the comparisons of variables with texts, in the order of the source.
func (p *Program) Compared() []Comparison {
	w := comparisons{src: p.src}
	w.walk(p.root)
	return w.found
}

// comparisons gathers them.
type comparisons struct {
	src string
	// locals are the variables that the elements of the macros around come from.
	locals []string
	found  []Comparison
}

func (w *comparisons) walk(n *node) {
	switch n.op {
	case opEq, opNe, opIn:
		left, right := n.args[0], n.args[1]
		w.beside(w.variable(left), right, n.op == opNe)
		w.beside(w.variable(right), left, n.op == opNe)
	case opAll, opExists, opExistsOne, opFilter, opMap:
		w.walk(n.args[0])
		w.locals = append(w.locals, w.variable(n.args[0]))
		w.walk(n.args[1])
		w.locals = w.locals[:len(w.locals)-1]
		return
	}
	for _, a := range n.args {
		w.walk(a)
	}
}

// beside notes the texts that n is or lists.
func (w *comparisons) beside(name string, n *node, unequal bool) {
	if name == "" {
		return
	}
	switch {
	case n.op == opLiteral && n.val.typ == String:
		w.found = append(w.found, Comparison{name, n.val.Str(), unequal, w.src, n.pos})
	case n.op == opList:
		for _, a := range n.args {
			if a.op == opLiteral {
				w.beside(name, a, unequal)
			}
		}
	}
}

// variable is the variable whose answer, or part of whose answer, n is; "" when it is
// another thing.
func (w *comparisons) variable(n *node) string {
	switch n.op {
	case opVar:
		return n.text
	case opLocal:
		return w.locals[n.slot]
	case opIndex, opFilter:
		return w.variable(n.args[0])
	}
	return ""
}
