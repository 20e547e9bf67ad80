package engine

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine/libchdb"
)

// ServeHTTP answers one request of ClickHouse's HTTP interface.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := &answer{w: w, control: http.NewResponseController(w)}
	out.allowTime()
	switch {
	case !s.isOurs(r.Host):
		http.Error(w, "this address is for programs on this machine", http.StatusForbidden)
	case r.URL.Path == "/ping":
		io.WriteString(w, "Ok.\n")
	case r.URL.Path != "/":
		http.Error(w, "there is nothing here but the query interface at /", http.StatusNotFound)
	case !s.isAllowed(r):
		out.fail(raise(codeAuthentication, "AUTHENTICATION_FAILED", "Authentication failed: password is incorrect"))
	default:
		r.Body = &unstalled{r.Body, out.control}
		if err := s.handle(out, r); err != nil {
			out.fail(asException(err))
		}
	}
}

// isOurs keeps web pages away whose name was made to point to this machine.
func (s *server) isOurs(host string) bool {
	name, port, err := net.SplitHostPort(host)
	return err == nil && port == s.port && (name == "127.0.0.1" || name == "localhost" || name == "::1")
}

// isAllowed compares the password of the request with the secret, in a time that
// tells nothing about it.
func (s *server) isAllowed(r *http.Request) bool {
	password := r.Header.Get("X-ClickHouse-Key")
	if _, basic, ok := r.BasicAuth(); ok {
		password = basic
	}
	return subtle.ConstantTimeCompare([]byte(password), []byte(s.secret)) == 1
}

// handle reads the request, waits for its turn and runs it in a new session.
func (s *server) handle(out *answer, r *http.Request) error {
	in, err := s.read(r)
	if in != nil && in.file != "" {
		defer os.Remove(in.file)
	}
	if err != nil {
		return err
	}
	turn := s.turn(in)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-r.Context().Done():
		return raise(codeCancelled, "QUERY_WAS_CANCELLED", "the client went away while the query waited")
	}
	conn, err := s.lib.Connect(s.folder)
	if err != nil {
		return err
	}
	defer conn.Close()
	mark, err := s.prepare(conn, in)
	if err != nil {
		return err
	}
	defer s.killWhenDone(r.Context(), mark)()
	out.begin(in)
	return run(conn, in, out)
}

// turn is the queue of a request. Reports queue apart from everything else, so
// that an insert never waits behind them.
func (s *server) turn(in *request) chan struct{} {
	if in.isSelect() && in.from {
		return s.reports
	}
	return s.short
}

func (in *request) isSelect() bool { return in.first == "SELECT" || in.first == "WITH" }

var requests atomic.Uint64

// prepare gives the session its settings and database. The mark it returns is
// what the running query can be found by.
func (s *server) prepare(conn *libchdb.Conn, in *request) (mark string, err error) {
	mark = "request " + strconv.FormatUint(requests.Add(1), 10)
	set := fmt.Sprintf("SET max_memory_usage = %d, max_bytes_before_external_group_by = %d, max_bytes_before_external_sort = %[2]d",
		s.memory, s.memory/2)
	for _, p := range in.settings {
		if p.Name != "readonly" {
			set += ", " + p.Name + " = " + quote(p.Value)
		}
	}
	statements := []string{set + ", log_comment = " + quote(mark)}
	if in.database != "" && in.database != "default" {
		statements = append(statements, "USE `"+strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(in.database)+"`")
	}
	for _, p := range in.settings {
		if p.Name == "readonly" { // the last, for it forbids to set anything more
			statements = append(statements, "SET readonly = "+quote(p.Value))
		}
	}
	for _, sql := range statements {
		r, err := conn.Query(sql, "Null", nil)
		if err != nil {
			return "", err
		}
		r.Free()
	}
	return mark, nil
}

// killWhenDone ends the query with the mark when the client goes away. The
// function it returns ends the watch, and waits for it.
func (s *server) killWhenDone(ctx context.Context, mark string) (stop func()) {
	finished, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		select {
		case <-ctx.Done():
		case <-finished:
			return
		}
		for { // the query may not have begun at the first attempt
			s.kill(mark)
			select {
			case <-finished:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() {
		close(finished)
		<-left
	}
}

func (s *server) kill(mark string) {
	conn, err := s.lib.Connect(s.folder)
	if err != nil {
		return
	}
	defer conn.Close()
	r, err := conn.Query("KILL QUERY WHERE Settings['log_comment'] = "+quote(mark)+" ASYNC", "Null", nil)
	if err == nil {
		r.Free()
	}
}

// run executes the statement and sends its output. Only a SELECT in Native
// format is sent while it runs: the other statements cannot be streamed, and the
// other formats have a head and a foot.
func run(conn *libchdb.Conn, in *request, out *answer) error {
	if in.inline {
		return runWhole(conn, in.fromFile(in.file), in, out)
	}
	if !in.isSelect() || in.output != "Native" || in.whole {
		return runWhole(conn, in.text, in, out)
	}
	stream, err := conn.Stream(in.text, in.output, in.params)
	if err != nil && strings.Contains(err.Error(), streamingNotSupported) {
		return runWhole(conn, in.text, in, out)
	}
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		piece, err := stream.Next()
		if err != nil {
			return err
		}
		if piece == nil {
			return out.end()
		}
		if err := out.send(piece); err != nil {
			return err
		}
	}
}

func runWhole(conn *libchdb.Conn, sql string, in *request, out *answer) error {
	r, err := conn.Query(sql, in.output, in.params)
	if err != nil {
		return err
	}
	defer r.Free()
	if err := out.send(r.Bytes()); err != nil {
		return err
	}
	return out.end()
}

// answer writes the response and knows whether it has begun.
type answer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	framer  *framer
	buffer  []byte
	tag     string
	begun   bool
}

// begin sets the headers. They are sent with the first byte of output.
func (a *answer) begin(in *request) {
	h := a.w.Header()
	h.Set("X-ClickHouse-Format", in.output)
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	if in.output == "Native" {
		h.Set("Content-Type", "application/octet-stream")
		if in.revision > 0 {
			a.framer = &framer{revision: in.revision}
		}
	}
	a.tag = rand.Text()[:16]
	h.Set(exceptionTagHeader, a.tag)
}

// send writes a piece of output, framed for the client.
func (a *answer) send(piece []byte) error {
	if a.framer != nil {
		var err error
		if a.buffer, err = a.framer.frame(a.buffer[:0], piece); err != nil {
			return raise(codeNotImplemented, "NOT_IMPLEMENTED", "%v", err)
		}
		piece = a.buffer
	}
	if len(piece) == 0 {
		return nil
	}
	a.begun = true
	a.allowTime()
	_, err := a.w.Write(piece)
	return err
}

// allowTime gives the next write its time. Without one, a client that does not
// read would hold its session for ever.
func (a *answer) allowTime() {
	a.control.SetWriteDeadline(time.Now().Add(stallTime)) // a failed connection fails the write
}

// end checks that the output was complete.
func (a *answer) end() error {
	a.allowTime()
	if a.framer != nil && len(a.framer.rest) > 0 {
		return errors.New("the engine's last block was cut off")
	}
	return nil
}

// fail tells the client of the exception: by the status or, when output has
// already been sent, in a block behind it, as a ClickHouse server does.
func (a *answer) fail(e *exception) {
	a.allowTime()
	if a.begun {
		fmt.Fprintf(a.w, "\r\n__exception__\r\n%s\r\n%s\n%d %[1]s\r\n__exception__\r\n", a.tag, e.text, len(e.text)+1)
		return
	}
	h := a.w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set(exceptionCodeHeader, strconv.Itoa(e.code))
	a.w.WriteHeader(e.status())
	io.WriteString(a.w, e.text+"\n")
}

// unstalled is a request's body that must keep coming.
type unstalled struct {
	io.ReadCloser
	control *http.ResponseController
}

func (u *unstalled) Read(p []byte) (int, error) {
	if err := u.control.SetReadDeadline(time.Now().Add(stallTime)); err != nil {
		return 0, err
	}
	n, err := u.ReadCloser.Read(p)
	if err != nil { // nothing more to come: the query may take its time
		u.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
