package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/suyang-survey/suyang/internal/clickhouse/columnar"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/surveys"
)

// said is a ClickHouse that answers every question with the same bytes.
type said struct {
	server     *httptest.Server
	transport  http.RoundTripper
	body       []byte
	parameters url.Values // of the last request
}

func newSaid(t *testing.T) *said {
	t.Helper()
	s := &said{}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.parameters = r.URL.Query()
		w.Write(s.body)
	}))
	t.Cleanup(s.server.Close)
	var err error
	if s.transport, err = columnar.Transport(&http.Transport{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// taken is what is taken by columns of an answer to a query with the given parameters.
func (s *said) taken(t *testing.T, answer []byte, parameters string) (rows []string, err error) {
	t.Helper()
	var numbers proto.ColUInt64
	lists := lowListsOf(new(proto.ColUInt64))
	const query = "SELECT 1"
	by := columnar.Take(query, proto.Results{{Name: "n", Data: &numbers}, {Name: "list", Data: lists}}, func(n int) error {
		if n != len(numbers) || n != lists.Rows() {
			t.Errorf("%d rows, but %d numbers and %d lists", n, len(numbers), lists.Rows())
		}
		different := lists.numbered(map[uint64]codeNumber{100: 1, 101: 2 | listedAnswer, 70_000: 3})
		into, from := make([]uint16, lists.values.Rows()), uint64(0)
		for i := range n {
			known, listed := lists.put(into, from, lists.ends[i], different)
			rows, from = append(rows, fmt.Sprint(numbers[i], into[:known], listed)), lists.ends[i]
		}
		return nil
	})
	s.body = answer
	request, err := http.NewRequestWithContext(by.In(t.Context()), http.MethodPost, s.server.URL+"/?client_protocol_version=54460"+parameters, strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(response.Body); len(rest) > 0 || response.ContentLength != 0 {
		t.Errorf("the client sees %d bytes", len(rest))
	}
	return rows, by.Err(nil)
}

// block writes numbers and lists of values as ClickHouse does.
func block(key proto.CardinalityKey, lists ...[]uint64) []byte {
	var numbers, ends, index proto.ColUInt64
	values := proto.ColLowCardinalityRaw{Index: &index, Key: key}
	for i, list := range lists {
		numbers = append(numbers, uint64(i))
		for _, v := range list {
			place := slices.Index(index, v)
			if place < 0 {
				place, index = len(index), append(index, v)
			}
			values.AppendKey(place)
		}
		ends = append(ends, uint64(values.Rows()))
	}
	var b proto.Buffer
	b.PutInt(2)
	b.PutInt(len(lists))
	b.PutString("n")
	b.PutString("UInt64")
	numbers.EncodeColumn(&b)
	b.PutString("list")
	b.PutString("Array(LowCardinality(UInt64))")
	if len(lists) > 0 {
		values.EncodeState(&b)
		ends.EncodeColumn(&b)
		values.EncodeColumn(&b)
	}
	return b.Buf
}

// Every width of places, empty lists and empty blocks are read; an answer that is cut off at any
// byte, but between blocks, is an error.
func TestColumns(t *testing.T) {
	s := newSaid(t)
	var whole []byte
	var want []string
	ends := []int{0}
	for _, key := range []proto.CardinalityKey{proto.KeyUInt8, proto.KeyUInt16, proto.KeyUInt32, proto.KeyUInt64} {
		for _, lists := range [][][]uint64{nil, {{100, 5, 101}, nil, {101, 101, 70_000}}, {nil, nil}} {
			whole = append(whole, block(key, lists...)...)
			ends = append(ends, len(whole))
		}
		want = append(want, "0 [1 2] 1", "1 [] 0", "2 [2 2 3] 2", "0 [] 0", "1 [] 0")
	}
	rows, err := s.taken(t, whole, "")
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("%q, %v; want %q", rows, err, want)
	}
	if v := s.parameters.Get("client_protocol_version"); v != "0" {
		t.Errorf("the plain form of blocks is not asked for, but %s", v)
	}
	for n := range whole {
		if _, err := s.taken(t, whole[:n], ""); (err == nil) != slices.Contains(ends, n) {
			t.Fatalf("cut off after %d of %d bytes: %v", n, len(whole), err)
		}
	}
	writer := compress.NewWriter(compress.LevelZero, compress.LZ4)
	if err := writer.Compress(whole); err != nil {
		t.Fatal(err)
	}
	if rows, err = s.taken(t, writer.Data, "&compress=1"); err != nil || !slices.Equal(rows, want) {
		t.Errorf("compressed: %q, %v", rows, err)
	}
}

// Lists whose lengths do not fit, places that there are not, and other columns are errors.
func TestFaultyColumns(t *testing.T) {
	s := newSaid(t)
	good := block(proto.KeyUInt32, []uint64{7}, []uint64{8})
	at := func(part string, offset int) int { return bytes.Index(good, []byte(part)) + len(part) + offset }
	lists := at("Array(LowCardinality(UInt64))", 8)
	for _, c := range []struct {
		name  string
		place int
		value byte
	}{
		{"lists that end before they begin", lists, 9},
		{"lists that go on behind the values", lists + 8, 3},
		{"more values than lists", lists + 8, 1},
		{"a place without a value", len(good) - 4, 2},
		{"another column", at("n", -1), 'm'},
		{"another type", at("UInt6", 0), '3'},
		{"another number of columns", 0, 3},
	} {
		bad := slices.Clone(good)
		bad[c.place] = c.value
		if rows, err := s.taken(t, bad, ""); !errors.Is(err, columnar.ErrAnswer) {
			t.Errorf("%s: %v, %q", c.name, err, rows)
		}
	}
	if _, err := s.taken(t, good, ""); err != nil {
		t.Error(err)
	}
}

// What ClickHouse says when it fails after it began to answer is the error.
func TestFailureWithinAnAnswer(t *testing.T) {
	s := newSaid(t)
	begin := bytes.Repeat(block(proto.KeyUInt8, []uint64{100}), 5000)
	for _, text := range []string{
		"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n",
		"\r\n__exception__\r\n0123456789abcdef\r\nCode: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n71 0123456789abcdef\r\n__exception__\r\n",
	} {
		rows, err := s.taken(t, append(slices.Clone(begin), text...), "")
		var e *clickhouse.Exception
		if !errors.As(err, &e) || e.Code != 241 || e.Message != "DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)" {
			t.Errorf("%v after %d rows", err, len(rows))
		}
	}
}

// The engine's answers are taken by columns, its errors are those of other queries, and a query
// that is given up ends.
func TestQueryColumns(t *testing.T) {
	s := openBare(t)
	var numbers proto.ColUInt64
	columns := proto.Results{{Name: "number", Data: &numbers}}
	count, sum := 0, uint64(0)
	err := s.queryColumns(t.Context(), "SELECT number FROM numbers({n:UInt64})", arguments{"n": 200_000}, columns, func(rows int) error {
		for count += rows; len(numbers) > 0; numbers = numbers[1:] {
			sum += numbers[0]
		}
		return nil
	})
	if err != nil || count != 200_000 || sum != 199_999*100_000 {
		t.Errorf("%d numbers, their sum is %d, %v", count, sum, err)
	}
	enough := errors.New("enough")
	if err := s.queryColumns(t.Context(), "SELECT number FROM numbers(1000000)", nil, columns, func(int) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the reader's error: %v", err)
	}
	err = explain("ask", s.queryColumns(t.Context(), "SELECT number FROM nowhere", nil, columns, func(int) error { return nil }))
	wantError(t, err, surveys.ErrNotFound, "migrate")
	err = s.queryColumns(t.Context(), "SELECT throwIf(number = 900000) + number AS number FROM numbers(1000000) SETTINGS max_block_size = 1000", nil, columns, func(int) error { return nil })
	var e *clickhouse.Exception
	if !errors.As(err, &e) || e.Code != 395 {
		t.Errorf("a failure after rows: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = s.queryColumns(ctx, "SELECT number FROM system.numbers", nil, columns, func(int) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// An engine that dies while it answers is an error, not the end of the answer.
func TestAnswerOfADeadEngine(t *testing.T) {
	e := enginetest.Start(t)
	target, err := url.Parse(e.DSN())
	if err != nil {
		t.Fatal(err)
	}
	// Between the two stands somebody who hangs up after some bytes.
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.RequestURI = "http", target.Host, ""
		r.Host = target.Host
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		w.WriteHeader(response.StatusCode)
		if n, _ := io.CopyN(w, response.Body, 100_000); n == 100_000 {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	defer between.Close()
	s := openDSN(t, strings.Replace(e.DSN(), target.Host, strings.TrimPrefix(between.URL, "http://"), 1))
	var numbers proto.ColUInt64
	err = s.queryColumns(t.Context(), "SELECT number FROM numbers(1000000)", nil, proto.Results{{Name: "number", Data: &numbers}}, func(int) error { return nil })
	wantError(t, explain("ask", err), surveys.ErrUnavailable, "does not answer")
}

// Counts that nobody can have make no room, and an answer of many more rows than were counted is
// an error.
func TestCountsAreNotBelieved(t *testing.T) {
	if d := newCaseTable([]int{0, 1}, 1<<60); cap(d.cases) > mostAtFirst*d.width {
		t.Errorf("room for %d words", cap(d.cases))
	}
	r := newRepeated(math.MaxUint64)
	r.add([]uint64{1, 2, 1, 3})
	if got := r.found(); len(r.seen) > 1<<(mostBits-6) || !slices.Equal(got, []uint64{1}) {
		t.Errorf("%d words; %d come twice", len(r.seen), got)
	}
	rows := 0
	do := atMost(10, func(n int) error {
		rows += n
		return nil
	})
	var err error
	for err == nil && rows < 1<<20 {
		err = do(100)
	}
	if wantError(t, err, surveys.ErrConflict, "ask again"); rows != 1000 {
		t.Errorf("%d rows are taken of 10", rows)
	}
}
