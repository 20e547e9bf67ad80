package engine

import "strings"

// statement is what the interface has to know of a query: its first word, where
// its data begin, and which format it asks for. The engine parses the rest.
type statement struct {
	text   string // without a trailing semicolon
	first  string // first word in capitals: SELECT, INSERT …
	format string // name after the last FORMAT, or ""
	from   bool   // reads from a table
	inline bool   // an INSERT whose data follow its FORMAT
	insert int    // where FROM INFILE belongs in text, if inline
	data   int    // where the data begin in the scanned text, if inline
	more   bool   // another statement follows the semicolon
}

// A token is a word, a single character, or quoted text.
type token struct {
	word       string // in capitals; only the quote of quoted text
	begin, end int
}

// parse scans the query, without what stands in parentheses. Data that follow
// an INSERT … FORMAT are not looked at.
func parse(sql string) statement {
	s := statement{text: sql}
	var tokens []token
	depth := 0
	for t, ok := next(sql, 0); ok; t, ok = next(sql, t.end) {
		switch {
		case t.word == "(" && len(tokens) > 0:
			depth++
		case t.word == ")" && depth > 0:
			depth--
		case depth > 0 || t.word == "(" || t.word == ")":
		case len(tokens) > 0 && tokens[len(tokens)-1].word == ";":
			s.more = true
		default:
			tokens = append(tokens, t)
			if s.beginsData(tokens) {
				return s
			}
		}
		if s.more {
			break
		}
	}
	s.describe(tokens)
	return s
}

// beginsData recognises the FORMAT of an INSERT that carries its data, and fills s.
func (s *statement) beginsData(tokens []token) bool {
	n := len(tokens)
	if n < 4 || tokens[0].word != "INSERT" || !isFormat(tokens, n-2) {
		return false
	}
	at := n - 2
	for i, t := range tokens[:at] {
		switch {
		case t.word == "SELECT" || t.word == "WITH" || t.word == "VALUES" || t.word == "INFILE":
			return false
		case t.word == "SETTINGS" && i+2 < n && tokens[i+2].word == "=" && at == n-2:
			at = i
		}
	}
	last := tokens[n-1]
	*s = statement{
		text: s.text[:last.end], first: "INSERT", format: s.text[last.begin:last.end],
		inline: true, insert: tokens[at].begin, data: last.end,
	}
	return true
}

// describe fills s for every other statement.
func (s *statement) describe(tokens []token) {
	if len(tokens) == 0 {
		s.text = ""
		return
	}
	s.first = tokens[0].word
	for i, t := range tokens {
		switch {
		case t.word == ";":
			s.text = s.text[:t.begin]
		case t.word == "FROM":
			s.from = true
		case isFormat(tokens, i) && (i+2 == len(tokens) || tokens[i+2].word == ";" || tokens[i+2].word == "SETTINGS"):
			s.format = s.text[tokens[i+1].begin:tokens[i+1].end]
		}
	}
}

// isFormat reports whether a FORMAT clause begins at token i. FORMAT may also be
// the name of a table or of a column.
func isFormat(tokens []token, i int) bool {
	if i < 1 || i+1 >= len(tokens) || tokens[i].word != "FORMAT" || !isName(tokens[i+1].word) {
		return false
	}
	switch tokens[i-1].word {
	case "INTO", "TABLE", "FROM", "JOIN", "SELECT", "DISTINCT", "BY", "AS", ",", ".":
		return false
	}
	return true
}

// next finds the token at or after at, skipping space and comments.
func next(sql string, at int) (token, bool) {
	for at < len(sql) {
		if end := skip(sql, at); end > at {
			at = end
			continue
		}
		if isQuote(sql[at]) {
			return token{sql[at : at+1], at, quoteEnd(sql, at)}, true
		}
		end := wordEnd(sql, at)
		return token{strings.ToUpper(sql[at:end]), at, end}, true
	}
	return token{}, false
}

// skip returns the end of the space or comment that begins at at.
func skip(sql string, at int) int {
	rest := sql[at:]
	switch c := rest[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
		return at + 1
	case strings.HasPrefix(rest, "--") || c == '#':
		return after(sql, at, "\n")
	case strings.HasPrefix(rest, "/*"):
		return after(sql, at+2, "*/")
	}
	return at
}

func isQuote(c byte) bool { return c == '\'' || c == '"' || c == '`' }

func after(sql string, at int, mark string) int {
	i := strings.Index(sql[at:], mark)
	if i < 0 {
		return len(sql)
	}
	return at + i + len(mark)
}

// quoteEnd knows both ways to put a quote into a literal: \' and ”. The second
// reads as two literals side by side, which is as good.
func quoteEnd(sql string, at int) int {
	for i := at + 1; i < len(sql); i++ {
		switch sql[i] {
		case '\\':
			i++
		case sql[at]:
			return i + 1
		}
	}
	return len(sql)
}

func wordEnd(sql string, at int) int {
	end := at
	for end < len(sql) && isWord(sql[end]) {
		end++
	}
	return max(end, at+1)
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isName reports whether s can name a format, a setting or a parameter.
func isName(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9')
}

// quote writes a string literal.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// fromFile is the statement of an inline INSERT with its data in a file.
func (s statement) fromFile(path string) string {
	return s.text[:s.insert] + "FROM INFILE " + quote(path) + " " + s.text[s.insert:]
}
