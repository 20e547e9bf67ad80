package engine

import "testing"

func TestParse(t *testing.T) {
	for sql, want := range map[string]statement{
		"SELECT 1":                               {text: "SELECT 1", first: "SELECT"},
		"select a from t format JSON ;":          {text: "select a from t format JSON ", first: "SELECT", format: "JSON", from: true},
		"SELECT 'FORMAT x' , \"FROM\", `FORMAT`": {text: "SELECT 'FORMAT x' , \"FROM\", `FORMAT`", first: "SELECT"},
		"SELECT 'it''s; \\'' -- ; FROM":          {text: "SELECT 'it''s; \\'' -- ; FROM", first: "SELECT"},
		"SELECT (SELECT a FROM t)":               {text: "SELECT (SELECT a FROM t)", first: "SELECT"},
		"SELECT 1; SELECT 2":                     {text: "SELECT 1", first: "SELECT", more: true},
		"SELECT 1;;":                             {text: "SELECT 1", first: "SELECT", more: true},
		"SELECT 'open":                           {text: "SELECT 'open", first: "SELECT"},
		"SELECT format FROM t":                   {text: "SELECT format FROM t", first: "SELECT", from: true},
		"SELECT a FROM t ORDER BY a, format ASC": {text: "SELECT a FROM t ORDER BY a, format ASC", first: "SELECT", from: true},
		"SELECT a FORMAT CSV SETTINGS b = 1":     {text: "SELECT a FORMAT CSV SETTINGS b = 1", first: "SELECT", format: "CSV"},
		"INSERT INTO format VALUES (1)":          {text: "INSERT INTO format VALUES (1)", first: "INSERT"},
		"INSERT INTO format FORMAT CSV\n":        {text: "INSERT INTO format FORMAT CSV", first: "INSERT", format: "CSV", inline: true, insert: 19, data: 29},
		"INSERT INTO `t` FORMAT CSV":             {text: "INSERT INTO `t` FORMAT CSV", first: "INSERT", format: "CSV", inline: true, insert: 16, data: 26},
		" /* nothing":                            {},
		"INSERT INTO t VALUES (1)":               {text: "INSERT INTO t VALUES (1)", first: "INSERT"},
		"INSERT INTO t SELECT a FROM u FORMAT X": {text: "INSERT INTO t SELECT a FROM u FORMAT X", first: "INSERT", format: "X", from: true},
		"INSERT INTO t FORMAT CSV 1;2":           {text: "INSERT INTO t FORMAT CSV", first: "INSERT", format: "CSV", inline: true, insert: 14, data: 24},
		"INSERT INTO d.t (a, `FORMAT`) FORMAT Native\n": {text: "INSERT INTO d.t (a, `FORMAT`) FORMAT Native", first: "INSERT",
			format: "Native", inline: true, insert: 30, data: 43},
		"INSERT INTO t SETTINGS a = 1, b = 'x' FORMAT CSV\n1": {text: "INSERT INTO t SETTINGS a = 1, b = 'x' FORMAT CSV", first: "INSERT",
			format: "CSV", inline: true, insert: 14, data: 48},
	} {
		got := parse(sql)
		if got != want {
			t.Errorf("parse(%q) =\n%+v, want\n%+v", sql, got, want)
		}
	}
}

func TestFromFile(t *testing.T) {
	got := parse("INSERT INTO t SETTINGS a = 1 FORMAT CSV").fromFile(`/it's\here`)
	if want := `INSERT INTO t FROM INFILE '/it\'s\\here' SETTINGS a = 1 FORMAT CSV`; got != want {
		t.Errorf("fromFile() = %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("INSERT INTO t (a) SETTINGS a = 1 FORMAT CSV 1")
	f.Add("SELECT ((1; 'a")
	f.Fuzz(func(t *testing.T, sql string) {
		s := parse(sql)
		if s.inline && (s.insert > len(s.text) || s.data != len(s.text)) {
			t.Errorf("parse(%q) = %+v: the file belongs behind the statement", sql, s)
		}
		if len(s.text) > len(sql) {
			t.Errorf("parse(%q) = %+v: longer than the query", sql, s)
		}
	})
}
