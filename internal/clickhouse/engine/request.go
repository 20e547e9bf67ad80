package engine

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine/libchdb"
)

// headLength is how far into a request an INSERT may go before its data. It is
// ClickHouse's own max_query_size.
const headLength = 256 << 10

// request is one query as the interface understood it.
type request struct {
	statement
	output   string // format of the answer
	revision int    // of the client's Native blocks; 0 for other clients
	database string
	settings []libchdb.Param
	params   []libchdb.Param
	file     string // data of an inline insert
	whole    bool   // answer only when the query has ended
}

// notSettings are the parameters of the interface itself.
var notSettings = []string{
	"query", "database", "default_format", "client_protocol_version", "query_id", "quota_key", "compress", "decompress",
	"network_compression_method", "network_zstd_compression_level", "buffer_size", "wait_end_of_query", "session_id",
	"session_timeout", "session_check", "user", "password", "role",
	"log_comment", // the mark of the request
}

// read takes a request in. The data of an insert go to a file, which the caller
// removes, also after an error.
func (s *server) read(r *http.Request) (*request, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, raise(codeBadArguments, "BAD_ARGUMENTS", "the address cannot be read: %v", err)
	}
	if err := refuse(r, q); err != nil {
		return nil, err
	}
	in := &request{database: q.Get("database"), whole: isOn(q.Get("wait_end_of_query"))}
	in.revision, _ = strconv.Atoi(q.Get("client_protocol_version"))
	for name, values := range q {
		if err := in.set(name, values[len(values)-1]); err != nil {
			return nil, err
		}
	}
	byName := func(a, b libchdb.Param) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(in.settings, byName)
	slices.SortFunc(in.params, byName)
	if r.Method == http.MethodGet && !q.Has("readonly") {
		in.settings = append(in.settings, libchdb.Param{Name: "readonly", Value: "1"})
	}
	err = s.readQuery(in, q.Get("query"), r.Body)
	in.output = firstOf(in.format, q.Get("default_format"), r.Header.Get("X-ClickHouse-Format"), "TabSeparated")
	return in, err
}

// refuse says no to what clients of a server can ask for but need not.
func refuse(r *http.Request, q url.Values) error {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return raise(codeNotImplemented, "NOT_IMPLEMENTED", "the embedded engine answers GET and POST, not %s", r.Method)
	case isOn(q.Get("compress")) || isOn(q.Get("decompress")) || encoding != "" && encoding != "identity":
		return raise(codeNotImplemented, "NOT_IMPLEMENTED", "the embedded engine does not compress; set the client's compression to none")
	case media == "multipart/form-data":
		return raise(codeNotImplemented, "NOT_IMPLEMENTED", "the embedded engine takes no external tables; pass the values as an array parameter")
	case q.Get("session_id") != "":
		return raise(codeNotImplemented, "NOT_IMPLEMENTED", "the embedded engine keeps no sessions; send the settings with each query")
	}
	return nil
}

func isOn(flag string) bool { return flag != "" && flag != "0" && flag != "false" }

func firstOf(names ...string) string {
	return names[slices.IndexFunc(names, func(s string) bool { return s != "" })]
}

// set takes one parameter of the address.
func (in *request) set(name, value string) error {
	param, isParam := strings.CutPrefix(name, "param_")
	switch {
	case slices.Contains(notSettings, name):
		return nil
	case !isName(param):
		return raise(codeBadArguments, "BAD_ARGUMENTS", "%q is not the name of a setting", name)
	case isParam:
		in.params = append(in.params, libchdb.Param{Name: param, Value: value})
	default:
		in.settings = append(in.settings, libchdb.Param{Name: name, Value: value})
	}
	return nil
}

// readQuery puts the query of the address and the body together, as ClickHouse
// does: joined by a line feed.
func (s *server) readQuery(in *request, query string, body io.Reader) error {
	if query != "" {
		body = io.MultiReader(strings.NewReader(query+"\n"), body)
	}
	b := bufio.NewReaderSize(body, headLength)
	head, err := b.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) { // the client broke off
		return err
	}
	if in.statement = parse(string(head)); in.inline {
		return s.readData(in, b)
	}
	text, err := io.ReadAll(io.LimitReader(b, maxQuery+1))
	if err != nil {
		return err
	}
	if len(text) > maxQuery {
		return raise(codeTooLarge, "LIMIT_EXCEEDED", "the query is longer than %d bytes", maxQuery)
	}
	in.statement = parse(string(text))
	switch {
	case in.text == "":
		return raise(codeSyntax, "SYNTAX_ERROR", "Empty query")
	case in.inline:
		return raise(codeSyntax, "SYNTAX_ERROR", "the INSERT before its data is longer than %d bytes", headLength)
	case in.more:
		return raise(codeSyntax, "SYNTAX_ERROR", "Multi-statements are not allowed")
	}
	return nil
}

// readData spools what follows the INSERT. The data begin behind the line feed
// after the name of the format or, if there is none, behind the blanks.
func (s *server) readData(in *request, b *bufio.Reader) error {
	if _, err := b.Discard(in.data); err != nil {
		return err
	}
	for blank := true; blank; {
		c, err := b.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		blank = c == ' ' || c == '\t' || c == '\f' || c == '\r'
		if !blank && c != '\n' {
			if err := b.UnreadByte(); err != nil {
				return err
			}
		}
	}
	size := &io.LimitedReader{R: b, N: maxInsert + 1}
	path, err := s.spool.keep(size)
	in.file = path
	if err == nil && size.N == 0 {
		err = raise(codeTooLarge, "LIMIT_EXCEEDED", "the data of the insert are longer than %d bytes", maxInsert)
	}
	return err
}
