package engine_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// ask sends a request as curl would, and returns the status and the body.
func ask(t *testing.T, method, query string, body string, change ...func(*http.Request)) (int, string) {
	t.Helper()
	status, text, _ := askFully(t, method, query, body, change...)
	return status, text
}

func askFully(t *testing.T, method, query, body string, change ...func(*http.Request)) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+shared.Address()+"/"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-ClickHouse-Key", shared.Secret())
	for _, f := range change {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

func TestPlainRequests(t *testing.T) {
	post := http.MethodPost
	for _, c := range []struct {
		name, method, query, body string
		status                    int
		text                      string // of the answer; its beginning, if an error
	}{
		{"ping", "GET", "ping", "", 200, "Ok.\n"},
		{"query in the body", post, "", "SELECT 1, 'a'", 200, "1\ta\n"},
		{"query in the address", "GET", "?query=SELECT+2", "", 200, "2\n"},
		{"query in both", post, "?query=SELECT", "3", 200, "3\n"},
		{"format of the query", post, "", "SELECT 1 AS x FORMAT CSVWithNames", 200, "\"x\"\n1\n"},
		{"format of the address", post, "?default_format=JSONEachRow", "SELECT 1 AS x", 200, "{\"x\":1}\n"},
		{"database", post, "?database=system", "SELECT name FROM one, tables WHERE database = 'system' AND name = 'one'", 200, "one\n"},
		{"comment and semicolon", post, "", "-- one\n/* ; */ SELECT ';' ;\n", 200, ";\n"},
		{"parentheses", post, "", "(SELECT 1)", 200, "1\n"},
		{"insert of lines", post, "", "INSERT INTO plain VALUES (1, 'a\n;'),\n(2, 'b')", 200, ""},
		{"insert of CSV in the body", post, "", "INSERT INTO plain FORMAT CSV\n3,\"c\nd\"\n4,e\n", 200, ""},
		{"insert of CSV with settings", post, "?query=" + url.QueryEscape("INSERT INTO plain (s, n) SETTINGS max_threads = 1 FORMAT CSV"), "f,5\n", 200, ""},
		{"insert of JSON by names", post, "?query=" + url.QueryEscape("INSERT INTO plain FORMAT JSONEachRow"), `{"s":"g","n":6}`, 200, ""},
		{"insert of a query", post, "", "INSERT INTO plain WITH 7 AS x SELECT x, 'h'", 200, ""},
		{"insert of nothing", post, "?query=" + url.QueryEscape("INSERT INTO plain FORMAT Native"), "", 200, ""},
		{"what was inserted", post, "", "SELECT * FROM plain ORDER BY n", 200,
			"1\ta\\n;\n2\tb\n3\tc\\nd\n4\te\n5\tf\n6\tg\n7\th\n"},
		{"insert of rubbish", post, "?query=" + url.QueryEscape("INSERT INTO plain FORMAT Native"), "rubbish", 500, "Code: "},
		{"empty", post, "", " -- nothing\n", 400, "Code: 62. DB::Exception: Empty query"},
		{"two statements", post, "", "SELECT 1; DROP TABLE plain", 400, "Code: 62. DB::Exception: Multi-statements are not allowed"},
		{"GET only reads", "GET", "?query=DROP+TABLE+plain", "", 500, "Code: 164. DB::Exception: "},
		{"unknown table", post, "", "SELECT * FROM nowhere", 404, "Code: 60. DB::Exception: "},
		{"unknown database", post, "?database=no`where", "SELECT 1", 404, "Code: 81. DB::Exception: "},
		{"bad name of a setting", post, "?max_threads%3D1,readonly=2", "SELECT 1", 400, "Code: 36. DB::Exception: "},
		{"hostile value of a setting", post, "?max_threads=1%27%2C+readonly%3D1", "SELECT 1", 400, "Code: 27. DB::Exception: Cannot parse input"},
		{"compression", post, "?compress=1", "SELECT 1", 501, "Code: 48. DB::Exception: "},
		{"session", post, "?session_id=a", "SELECT 1", 501, "Code: 48. DB::Exception: "},
		{"type that cannot be framed", post, "?default_format=Native&client_protocol_version=54460", "SELECT uniqState(1)", 501,
			"Code: 48. DB::Exception: the embedded engine cannot send a column of type AggregateFunction(uniq, UInt8)"},
		{"other path", "GET", "play", "", 404, "there is nothing here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "insert of lines" {
				exec(t, connect(t, shared), "CREATE TABLE plain (n UInt8, s String) ENGINE = MergeTree ORDER BY n")
			}
			status, text := ask(t, c.method, c.query, c.body)
			if status != c.status || status == 200 && text != c.text || !strings.HasPrefix(text, c.text) {
				t.Errorf("got %d %q, want %d %q", status, text, c.status, c.text)
			}
		})
	}
}

func TestWhoMayAsk(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"the key":        {func(*http.Request) {}, 200},
		"basic":          {func(r *http.Request) { r.Header.Del("X-ClickHouse-Key"); r.SetBasicAuth("default", shared.Secret()) }, 200},
		"nothing":        {func(r *http.Request) { r.Header.Del("X-ClickHouse-Key") }, 403},
		"a wrong key":    {func(r *http.Request) { r.Header.Set("X-ClickHouse-Key", shared.Secret()+"x") }, 403},
		"another origin": {func(r *http.Request) { r.Host = "example.org:" + r.URL.Port() }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			status, _ := ask(t, http.MethodPost, "", "SELECT 1", c.change)
			check(t, "status", status, c.want)
		})
	}
}

func TestAnInsertThatBreaksOffInsertsNothing(t *testing.T) {
	c := connect(t, shared)
	exec(t, c, "CREATE TABLE broken (n UInt8) ENGINE = MergeTree ORDER BY n")
	conn, err := net.Dial("tcp", shared.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /?query=INSERT+INTO+broken+FORMAT+CSV HTTP/1.1\r\nHost: %s\r\nX-ClickHouse-Key: %s\r\nContent-Length: 100\r\n\r\n1\n2\n3",
		shared.Address(), shared.Secret())
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(answer), "HTTP/1.1 500 ") || !strings.Contains(string(answer), "unexpected EOF") {
		t.Errorf("answer = %q, want an unexpected EOF", answer)
	}
	check(t, "rows", value[uint64](t, c, "SELECT count() FROM broken"), 0)
}

func TestTheHeaderNamesTheCode(t *testing.T) {
	_, _, header := askFully(t, http.MethodPost, "", "SELECT * FROM nowhere")
	check(t, "code", header.Get("X-ClickHouse-Exception-Code"), "60")
}

func TestATooLongQueryIsRefused(t *testing.T) {
	status, text := ask(t, http.MethodPost, "", "SELECT '"+strings.Repeat("x", 17<<20)+"'")
	check(t, "status", status, http.StatusRequestEntityTooLarge)
	check(t, "text", strings.HasPrefix(text, "Code: 307. DB::Exception: the query is longer than"), true)
}
