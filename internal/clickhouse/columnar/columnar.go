// Package columnar takes the answers of ClickHouse by columns: the client of ClickHouse hands
// rows out one by one, which for millions of them takes longer than what is made of them. The
// client still asks the questions, over HTTP; its transport is told which answers to take.
package columnar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// ErrAnswer means that an answer breaks off or is not what was asked for.
var ErrAnswer = errors.New("the answer of ClickHouse breaks off, or is not what was asked for; ask again")

// Taking is how the answer to a query is taken. Use it once.
type Taking struct {
	query    string
	columns  proto.Results
	do       func(rows int) error
	err      error
	answered bool
}

// Take prepares for the answer to a query. For each block of it, its rows stand in the columns
// when do is called with the number of them. What do takes away from there, it leaves empty.
func Take(query string, columns proto.Results, do func(rows int) error) *Taking {
	return &Taking{query: query, columns: columns, do: do}
}

type takingKey struct{}

// In is the context to ask the query in, by a client that has Transport.
func (t *Taking) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, takingKey{}, t)
}

// Err is the error of the whole: that of do, ErrAnswer, what ClickHouse said, or what the
// client returned, which is asked.
func (t *Taking) Err(asked error) error {
	switch {
	case t.err != nil:
		return t.err
	case asked == nil && !t.answered:
		return errors.New("the client of ClickHouse sent another query than the one whose answer is taken by columns")
	}
	return asked
}

// Transport is for the client's options. An answer of which nothing comes for as long as the
// client waits for its beginning is given up.
func Transport(t *http.Transport) (http.RoundTripper, error) {
	return transport{t, t.ResponseHeaderTimeout}, nil
}

// transport sends the requests of the client. Of a query whose answer is taken, it reads the
// answer itself, and the client sees an empty one.
type transport struct {
	http.RoundTripper
	patience time.Duration // 0 is endless
}

// RoundTrip sends a request.
func (c transport) RoundTrip(request *http.Request) (*http.Response, error) {
	t, _ := request.Context().Value(takingKey{}).(*Taking)
	if t == nil || !t.isAskedBy(request) {
		return c.send(request)
	}
	request = request.Clone(request.Context())
	request.Header.Del("Accept-Encoding") // the answer is not to be compressed as a whole
	parameters := request.URL.Query()
	parameters.Set("client_protocol_version", "0") // no columns in a form of their own
	request.URL.RawQuery = parameters.Encode()
	response, err := c.send(request)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	defer response.Body.Close()
	t.answered = true
	t.take(response.Body, parameters.Get("compress") == "1")
	response.Body, response.ContentLength = http.NoBody, 0
	return response, nil
}

// mostSaid is how much is read of what ClickHouse says of a query that failed.
const mostSaid = 1 << 20

// send sends a request. The client reads what is said of a failure to its end, so it gets one.
func (c transport) send(request *http.Request) (*http.Response, error) {
	response, err := c.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = impatient(response.Body, c.patience)
	if response.StatusCode != http.StatusOK {
		response.Body = short(response.Body, mostSaid)
	}
	return response, nil
}

// CloseIdleConnections closes what the client asks to be closed.
func (c transport) CloseIdleConnections() {
	if idle, ok := c.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// isAskedBy says whether a request is for the query: the client may have questions of its own
// before.
func (t *Taking) isAskedBy(request *http.Request) bool {
	if request.GetBody == nil || request.ContentLength != int64(len(t.query)) {
		return false
	}
	body, err := request.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return err == nil && string(text) == t.query
}

// take reads an answer. What is wrong with it is never more than an error: the program also
// takes interviews.
func (t *Taking) take(body io.ReadCloser, compressed bool) {
	defer func() {
		if p := recover(); p != nil {
			t.err = fmt.Errorf("a fault of the program while it read an answer of ClickHouse: %v", p)
		}
	}()
	last := &lastBytes{from: body}
	in := proto.NewReader(last)
	if compressed {
		in.EnableCompression()
	}
	if t.err = t.blocks(in); errors.Is(t.err, ErrAnswer) {
		if e := last.exception(); e != nil {
			t.err = e
		}
	}
}

// mostEmpty is how many blocks without rows may follow each other: ClickHouse writes one or two.
const mostEmpty = 1000

// blocks takes the blocks of an answer.
func (t *Taking) blocks(in *proto.Reader) error {
	for empty := 0; empty < mostEmpty; empty++ {
		columns, err := in.UVarInt()
		if errors.Is(err, io.EOF) {
			return nil
		}
		rows := 0
		if err == nil {
			rows, err = block(in, columns, t.columns)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		if err := t.do(rows); err != nil {
			return err
		}
		if rows > 0 {
			empty = 0
		}
	}
	return fmt.Errorf("%w: %d blocks without rows follow each other", ErrAnswer, mostEmpty)
}

// lastBytes keeps the last bytes that were read: when ClickHouse fails after it began to
// answer, it says why behind what it has written.
type lastBytes struct {
	from io.ReadCloser
	kept []byte
}

// mostKept is longer than what ClickHouse says.
const mostKept = 32 << 10

func (l *lastBytes) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	l.kept = append(l.kept, p[max(0, n-mostKept):n]...)
	if over := len(l.kept) - mostKept; over > mostKept {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	return n, err
}

var exceptionText = regexp.MustCompile(`Code: (\d+)\. (DB::\w*Exception: [^\x00\n]*)`)

// longestEnd is how long the end of an answer that broke off may take.
const longestEnd = 10 * time.Second

// exception is what ClickHouse says at the end of its answer, if anything.
func (l *lastBytes) exception() error {
	defer time.AfterFunc(longestEnd, func() { l.from.Close() }).Stop()
	io.Copy(io.Discard, io.LimitReader(l, mostSaid))
	found := exceptionText.FindSubmatch(l.kept)
	if found == nil {
		return nil
	}
	code, err := strconv.ParseInt(string(found[1]), 10, 32)
	if err != nil {
		return nil
	}
	return &clickhouse.Exception{Code: int32(code), Name: "DB::Exception", Message: string(found[2])}
}
