package columnar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

const query = "SELECT n, text, list FROM somewhere"

// asked takes the answer of a server to query. It says how many rows came.
func asked(t *testing.T, ctx context.Context, patience time.Duration, answer http.HandlerFunc) (rows int, response *http.Response, err error) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(func() {
		server.CloseClientConnections() // some answers do not end by themselves
		server.Close()
	})
	var numbers proto.ColUInt64
	var texts proto.ColStr
	low := proto.ColLowCardinalityRaw{Index: new(proto.ColUInt64)}
	by := Take(query, proto.Results{{Name: "n", Data: &numbers}, {Name: "text", Data: &texts}, {Name: "low", Data: &low}}, func(n int) error {
		if n != len(numbers) || n != texts.Rows() || n > 0 && n != low.Rows() {
			t.Errorf("%d rows, but %d, %d and %d in the columns", n, len(numbers), texts.Rows(), low.Rows())
		}
		for i := range n {
			_ = texts.Row(i)
		}
		rows += n
		return nil
	})
	round, err := Transport(&http.Transport{ResponseHeaderTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	defer round.(transport).CloseIdleConnections()
	client := http.Client{Transport: round}
	request, err := http.NewRequestWithContext(by.In(ctx), http.MethodPost, server.URL, strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	response, err = client.Do(request)
	if err == nil {
		t.Cleanup(func() { response.Body.Close() })
	}
	return rows, response, by.Err(err)
}

// written is what a server writes as its answer.
func written(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(b) }
}

// rowsOf is a block.
func rowsOf(n int) []byte {
	var b proto.Buffer
	head(&b, 3, uint64(n))
	column := func(name, of string) {
		b.PutString(name)
		b.PutString(of)
	}
	column("n", "UInt64")
	for i := range n {
		b.PutUInt64(uint64(i))
	}
	column("text", "String")
	for i := range n {
		b.PutString(fmt.Sprint("text ", i))
	}
	column("low", "LowCardinality(UInt64)")
	if n > 0 {
		low := proto.ColLowCardinalityRaw{Index: &proto.ColUInt64{7, 8}}
		for i := range n {
			low.AppendKey(i % 2)
		}
		low.EncodeState(&b)
		low.EncodeColumn(&b)
	}
	return b.Buf
}

func head(b *proto.Buffer, columns, rows uint64) {
	b.PutUVarInt(columns)
	b.PutUVarInt(rows)
}

// allocated is how many bytes are allocated while something is done.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Sizes that an answer names, but does not have, cost nothing and are errors.
func TestSizesAreNotBelieved(t *testing.T) {
	block := func(columns, rows uint64, more func(b *proto.Buffer)) []byte {
		var b proto.Buffer
		head(&b, columns, rows)
		more(&b)
		return b.Buf
	}
	nothing := func(*proto.Buffer) {}
	number := func(b *proto.Buffer) { b.PutString("n"); b.PutString("UInt64") }
	numbers := func(b *proto.Buffer) {
		number(b)
		b.PutUInt64(1)
		b.PutString("text")
		b.PutString("String")
	}
	low := func(b *proto.Buffer) {
		numbers(b)
		b.PutString("x")
		b.PutString("low")
		b.PutString("LowCardinality(UInt64)")
		b.PutInt64(1)
		b.PutInt64(ofBlock)
	}
	for name, answer := range map[string][]byte{
		"columns":                 block(math.MaxUint64, 1, nothing),
		"rows of 2^40":            block(3, 1<<40, number),
		"rows of 2^63":            block(3, 1<<63, number),
		"rows of 2^64-1":          block(3, math.MaxUint64, number),
		"a name of 2^40":          block(3, 1, func(b *proto.Buffer) { b.PutUVarInt(1 << 40) }),
		"a name of 2^63":          block(3, 1, func(b *proto.Buffer) { b.PutUVarInt(1 << 63) }),
		"a type of 2^40":          block(3, 1, func(b *proto.Buffer) { b.PutString("n"); b.PutUVarInt(1 << 40) }),
		"a text of 2^40":          block(3, 1, func(b *proto.Buffer) { numbers(b); b.PutUVarInt(1 << 40) }),
		"a text of 2^63":          block(3, 1, func(b *proto.Buffer) { numbers(b); b.PutUVarInt(1 << 63) }),
		"2^31 different values":   block(3, 1, func(b *proto.Buffer) { low(b); b.PutUInt64(1 << 31) }),
		"2^63 different values":   block(3, 1, func(b *proto.Buffer) { low(b); b.PutUInt64(1 << 63) }),
		"2^40 places":             block(3, 1, func(b *proto.Buffer) { low(b); b.PutUInt64(0); b.PutUInt64(1 << 40) }),
		"a number without an end": bytes.Repeat([]byte{0xff}, 100),
	} {
		var err error
		used := allocated(func() { _, _, err = asked(t, t.Context(), 0, written(answer)) })
		if !errors.Is(err, ErrAnswer) || used > 20<<20 {
			t.Errorf("%s: %v; %d MB were allocated", name, err, used>>20)
		}
	}
}

// An answer of any bytes, or of a good one with some of them changed, is read or is an error.
func TestAnyBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	good := append(rowsOf(0), rowsOf(40)...)
	if rows, _, err := asked(t, t.Context(), 0, written(good)); err != nil || rows != 40 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	faults := 0
	for range 300 {
		bad := bytes.Clone(good)
		for range 1 + rng.IntN(3) {
			bad[rng.IntN(len(bad))] = byte(rng.Uint32())
		}
		used := allocated(func() {
			if _, _, err := asked(t, t.Context(), 0, written(bad[:rng.IntN(len(bad)+1)])); err != nil {
				faults++
				if !errors.Is(err, ErrAnswer) {
					t.Errorf("%v", err)
				}
			}
		})
		if used > 20<<20 {
			t.Errorf("%d MB were allocated", used>>20)
		}
	}
	if faults < 100 {
		t.Errorf("%d of 300 answers are faulty, which tests little", faults)
	}
}

// Blocks without rows do not go on for ever.
func TestEndlessEmptyBlocks(t *testing.T) {
	_, _, err := asked(t, t.Context(), 0, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(rowsOf(0)); err != nil {
				return
			}
		}
	})
	if !errors.Is(err, ErrAnswer) {
		t.Error(err)
	}
}

// hangs answers with some bytes and then with nothing.
func hangs(status int, b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		w.Write(b)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// A ClickHouse that hangs is given up, by the context and by itself, wherever it hangs.
func TestAnswerThatHangs(t *testing.T) {
	good := rowsOf(3)
	for _, n := range []int{0, 1, len(good) / 2, len(good)} {
		if _, _, err := asked(t, t.Context(), 50*time.Millisecond, hangs(http.StatusOK, good[:n])); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("nothing comes after %d bytes: %v", n, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, _, err := asked(t, ctx, 0, hangs(http.StatusOK, good[:n])); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("given up after %d bytes: %v", n, err)
		}
		cancel()
	}
}

// What is said of a failure is read, but not for ever.
func TestFailures(t *testing.T) {
	endless := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	_, response, err := asked(t, t.Context(), 0, endless)
	if response == nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(response.Body); len(said) != mostSaid || err != nil {
		t.Errorf("%d bytes are read, %v", len(said), err)
	}
	_, response, err = asked(t, t.Context(), 50*time.Millisecond, hangs(http.StatusInternalServerError, []byte("Code: 60.")))
	if response == nil {
		t.Fatal(err)
	}
	if said, err := io.ReadAll(response.Body); string(said) != "Code: 60." || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%q, %v", said, err)
	}
	_, _, err = asked(t, t.Context(), 0, written(append(rowsOf(3), "Code: 241. DB::Exception: Too much\n"...)))
	if e := (*clickhouse.Exception)(nil); !errors.As(err, &e) || e.Code != 241 {
		t.Error(err)
	}
}

// A connection that ends between two blocks is an error: more may have been to come.
func TestConnectionThatEndsBetweenBlocks(t *testing.T) {
	rows, _, err := asked(t, t.Context(), 0, func(w http.ResponseWriter, _ *http.Request) {
		w.Write(rowsOf(3))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	if !errors.Is(err, ErrAnswer) || rows != 3 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// A redirection leads to the answer or to an error, never to an answer that nobody took.
func TestRedirections(t *testing.T) {
	for status, good := range map[int]bool{http.StatusTemporaryRedirect: true, http.StatusPermanentRedirect: true, http.StatusFound: false} {
		rows, _, err := asked(t, t.Context(), 0, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/there" {
				http.Redirect(w, r, "/there", status)
				return
			}
			w.Write(rowsOf(3))
		})
		if (err == nil) != good || good != (rows == 3) {
			t.Errorf("%d: %d rows, %v", status, rows, err)
		}
	}
	_, _, err := asked(t, t.Context(), 0, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
	})
	if err == nil {
		t.Error("a circle of redirections is an answer")
	}
}

// A fault of who takes the rows is an error, for the program goes on.
func TestFaultOfTheReader(t *testing.T) {
	by := Take(query, nil, func(int) error { panic("of no use") })
	by.take(io.NopCloser(bytes.NewReader([]byte{0, 1})), false)
	if by.err == nil || !strings.Contains(by.err.Error(), "of no use") {
		t.Error(by.err)
	}
}
